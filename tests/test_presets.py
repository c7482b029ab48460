"""Every preset trains on the digits, with its own networks and through all its phases, and does what it can."""

from pathlib import Path

import numpy as np
import pytest
from conftest import NIGHTLY, Genctl, rows
from PIL import Image

from genctl.cli.composition import Request, compose
from genctl.config import paths

PRESETS = paths.options("model", paths.builtin())
VARIANTS = {  # of a family that another preset trains by day
    *(
        "ae_dense",
        "cae",
        "dae",
        "sae",
        "beta_vae",
        "cvae",
        "vae_dense",
        "aegan_contractive",
        "aegan_dense",
        "aegan_image",
    ),
    *("cgan", "dcgan", "gan_dense", "lsgan", "wgan"),
}


@pytest.mark.parametrize(
    "preset", [pytest.param(preset, marks=NIGHTLY if preset in VARIANTS else ()) for preset in PRESETS]
)
def test_preset_trains_for_100_steps_on_digits(genctl: Genctl, preset: str) -> None:
    model = compose(Request("train", (f"model={preset}",), ()))[0].model
    phases = [f"model.phases.{name}={100 // len(model.phases)}" for name in model.get("phases", {})]
    steps = sum(100 // len(phases) for _ in phases) or 100
    length = "trainer.steps=null" if phases else "trainer.steps=100"
    genctl.good("train", f"model={preset}", *phases, length, "name=x", "callbacks.images.every_steps=100")
    losses = [value for row in rows("outputs/x") for name, value in row.items() if name.endswith("loss")]
    assert losses and np.isfinite(losses).all()
    assert rows("outputs/x")[-1]["step"] == steps
    genctl.good("sample", "run=outputs/x", "n=8")
    samples = np.load("outputs/x/samples.npz")["samples"]
    assert samples.shape == (8, 8, 8, 1) and samples.std() > 0
    assert Image.open(next(Path("outputs/x/samples").glob("*.png"))).mode == "L"


@pytest.mark.parametrize("experiment", paths.options("experiment", paths.builtin()))
def test_experiment_trains(genctl: Genctl, experiment: str) -> None:
    length = ("trainer.epochs=null", "trainer.steps=2", "callbacks.log.every_steps=1")
    genctl.good("train", f"experiment={experiment}", "dataset=digits", *length, "name=x")
    assert np.isfinite([row["loss"] for row in rows("outputs/x") if row["split"] == "train"]).all()
