"""Learning on real MNIST, where GENCTL_DATA has it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import NIGHTLY, Genctl

FILE = Path(os.environ.get("GENCTL_DATA", "nowhere"), "mnist.npz")
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs GENCTL_DATA with mnist.npz")
SHORT = ("dataset=mnist", "dataset.limit=20000", "callbacks.images.every_steps=0", "outputs=runs", "name=x")


def validation() -> dict[str, float]:
    return json.loads(Path("runs/x/summary.json").read_text())["metrics"]["validation"]


def loss_of_the_mean_image(model: str) -> float:
    """What a decoder reaches that draws the same grey image whatever the code is."""
    images = np.load(FILE)["x_test"].reshape(10_000, -1) / 255
    mean = images.mean(axis=0).clip(1e-6, 1 - 1e-6)
    if model == "ae":
        return ((images - mean) ** 2).sum(axis=1).mean()
    return -(images * np.log(mean) + (1 - images) * np.log(1 - mean)).sum(axis=1).mean()


@pytest.mark.parametrize(("model", "steps"), [pytest.param("ae", 200, marks=NIGHTLY), ("vae", 300)])
def test_autoencoders_learn_more_than_the_mean_image(genctl: Genctl, model: str, steps: int) -> None:
    genctl.good("train", f"model={model}", *SHORT, f"trainer.steps={steps}")
    assert validation()["loss"] < 0.9 * loss_of_the_mean_image(model)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("gan", ("trainer.steps=300",)),
        pytest.param(
            "aegan",
            ("model.phases.autoencoder=150", "model.phases.adversarial=200", "model.phases.joint=50"),
            marks=NIGHTLY,
        ),
    ],
)
def test_generators_draw_different_images_with_as_much_ink_as_digits(
    genctl: Genctl, model: str, options: tuple[str, ...]
) -> None:
    genctl.good("train", f"model={model}", *SHORT, *options)
    genctl.good("sample", "run=runs/x", "n=100")
    samples = np.load("runs/x/samples.npz")["samples"].astype(float)
    real = np.load(FILE)["x_test"].astype(float)
    assert 0.4 < samples.mean() / real.mean() < 2.5
    assert samples.std(axis=0).mean() > 0.4 * real.std(axis=0).mean(), "the samples are all alike"


@pytest.mark.parametrize("model", ["vae", pytest.param("vae_dense", marks=NIGHTLY)])
def test_the_same_command_gives_the_same_bits(genctl: Genctl, model: str) -> None:
    """All of MNIST and a hundred steps or more: on less, sums of gradients in the order of the clock were not seen."""
    options = (
        "trainer.steps=120",
        "trainer.xla=false",
        "callbacks.validate.every_steps=0",
        "callbacks.images.every_steps=0",
    )
    for name in ("a", "b"):
        genctl.good("train", f"model={model}", "dataset=mnist", f"name={name}", "outputs=runs", *options)
    for file in ("metrics.jsonl", "checkpoints/step-000000120/state.safetensors"):
        assert len({Path("runs", name, file).read_bytes() for name in ("a", "b")}) == 1, file
