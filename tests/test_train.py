"""Training through the real entry point: every family on every kind of data."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl, rows
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

PHASES = {"aegan": ("model.phases.autoencoder=1", "model.phases.adversarial=1", "trainer.steps=3")}
TINY = ("trainer.steps=2", "trainer.batch_size=20", "dataset.limit=32", "callbacks.images.count=4", "outputs=runs")
FAMILIES = ("ae", "vae", "gan", "aegan", "hae", "hvae")
LOSSES = ("joint_loss", "loss", "generator/loss")  # of which the first that is there is the whole one


def extra(model: str) -> tuple[str, ...]:
    return PHASES.get(model.split("_")[0], ())


@pytest.mark.parametrize("model", FAMILIES)
def test_every_family_trains_on_colour_images(genctl: Genctl, colour_npz: str, model: str) -> None:
    data = ("dataset=npz", f"dataset.path={colour_npz}")
    genctl.good("train", f"model={model}", *data, "name=x", *TINY, *extra(model))
    run = Path("runs/x")
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "finished" and summary["steps"] == rows(run)[-1]["step"]
    logged = next(loss for loss in LOSSES if loss in summary["metrics"]["train"])
    assert np.isfinite(summary["metrics"]["train"][logged])
    assert summary["metrics"]["validation"]
    assert Image.open(next(run.glob("samples/*.png"))).mode == "RGB"


@pytest.mark.parametrize("model", ["vae", "gan", "aegan", "hvae"])
def test_labels_make_any_model_conditional(genctl: Genctl, model: str) -> None:
    genctl.good("train", f"model={model}", "model.conditional=true", "name=x", *TINY, *extra(model))
    genctl.good("sample", "run=runs/x", "n=3", "label=7")


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
def test_networks_take_odd_and_non_square_images(genctl: Genctl, colour_npz: str, kind: str) -> None:
    data = ("dataset=npz", f"dataset.path={colour_npz}")
    genctl.good("train", "model=vae", *data, f"encoder={kind}", f"decoder={kind}", "name=x", *TINY)
    genctl.good("train", "model=gan", *data, f"generator={kind}", f"discriminator={kind}", "name=y", *TINY)


def test_vectors_train_with_mlps_and_come_back_in_their_units(genctl: Genctl) -> None:
    np.savez("v.npz", x=np.random.default_rng(0).normal(50, 9, (100, 5)).astype(np.float32))
    mlps = ("encoder=mlp", "decoder=mlp", "dataset=npz", "dataset.path=v.npz")
    genctl.good("train", "model=vae", *mlps, "name=x", *TINY)
    genctl.good("sample", "run=runs/x", "n=7")
    samples = np.load("runs/x/samples.npz")["samples"]
    assert samples.shape == (7, 5) and samples.dtype == np.float32 and 20 < samples.mean() < 80
    assert "conv needs images" in genctl.bad("train", "model=vae", "dataset=npz", "dataset.path=v.npz", *TINY)


def test_a_folder_of_mixed_jpegs_trains_with_augmentation(genctl: Genctl) -> None:
    generator = np.random.default_rng(0)
    for index in range(24):
        folder = Path("photos") / ("cats" if index % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        shape = (20 + index, 40 - index, 3) if index % 3 else (30, 30)
        Image.fromarray(generator.integers(0, 256, shape, np.uint8)).save(folder / f"{index}.jpg")
    data = ("dataset=folder", "dataset.path=photos", "dataset.image_size=[12,17]")
    augment = ("dataset.augment.flip=true", "dataset.augment.shift=2", "dataset.augment.crop=0.8")
    genctl.good("train", "model=ae", *data, *augment, "name=x", *TINY, "trainer.batch_size=8")
    assert json.loads(Path("runs/x/spec.json").read_text())["class_names"] == ["cats", "dogs"]
    genctl.good("reconstruct", "run=runs/x", "n=2", "split=train")
    assert np.load("runs/x/reconstructions.npz")["samples"].shape == (2, 12, 17, 3)


def test_the_run_directory_holds_all_that_was_promised(genctl: Genctl) -> None:
    genctl.good("train", "name=x", *TINY, "seed=5")
    run = Path("runs/x")
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["command"].startswith("genctl train name=x") and provenance["seed"] == 5
    assert provenance["choices"]["model"] == "vae" and len(provenance["data"]["fingerprint"]) == 64
    assert {"tensorflow", "keras"} <= provenance["sessions"][0]["packages"].keys()
    assert "trust" not in (run / "config.yaml").read_text()
    assert (run / "train.log").stat().st_size
    events = EventAccumulator(str(run / "train")).Reload()
    assert {"loss", "rate", "images_per_second", "host_memory_mib"} <= set(events.Tags()["tensors"])
    assert set(events.Tags()["images"]) == {"samples", "reconstructions"}
    assert {"config", "parameters"} <= set(events.Tags()["tensors"])
    assert "loss" in EventAccumulator(str(run / "validation")).Reload().Tags()["tensors"]


def test_the_terminal_shows_our_words_alone(genctl: Genctl) -> None:
    result = genctl.good("train", "name=x", *TINY)
    assert result.err == ""
    assert "VAE on digits 8x8x1: 32 training, 32 validation and 32 test examples" in result.out
    assert "device: CPU" in result.out and "precision: float32" in result.out
    assert "genctl sample run=runs/x" in result.out
    assert "tensorflow" not in result.out.lower()


def test_runs_without_a_name_do_not_collide(genctl: Genctl) -> None:
    for seed in (1, 2):
        genctl.good("train", f"seed={seed}", *TINY)
    runs = [path for path in Path("runs").iterdir() if path.name.startswith("vae-digits-")]
    assert len(runs) == 2
    assert len({(run / "metrics.jsonl").read_text() for run in runs}) == 2


def test_the_command_that_a_run_suggests_works(genctl: Genctl) -> None:
    out = "".join(genctl.good("train", f"name='my runs, a={name}'", *TINY).out for name in "bc")
    commands = [line.strip() for line in out.splitlines() if line.startswith("  genctl sample")]
    assert len(commands) == 2
    for command in commands:
        genctl.good(*shlex.split(command)[1:], "n=2")


def test_the_same_command_gives_the_same_numbers(genctl: Genctl) -> None:
    for name in ("a", "b"):
        genctl.good("train", "model=gan", "discriminator.dropout=0.3", f"name={name}", *TINY)
    assert rows("runs/a") == rows("runs/b")


def test_epochs_replace_steps(genctl: Genctl) -> None:
    genctl.good("train", "name=x", *TINY, "trainer.epochs=1.5")
    assert json.loads(Path("runs/x/summary.json").read_text())["steps"] == 3


def test_phases_that_the_run_does_not_reach_are_named(genctl: Genctl) -> None:
    out = genctl.good("train", "model=aegan", "name=x", *TINY).out
    assert "2 steps end in phase autoencoder: adversarial and joint will not be trained" in out


def test_a_place_that_cannot_be_written_is_named(genctl: Genctl) -> None:
    Path("runs").write_text("a file")
    assert "runs/x: Not a directory" in genctl.bad("train", "name=x", *TINY)
