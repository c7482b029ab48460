"""Using a trained run: sampling and reconstructing from its directory."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl
from PIL import Image

TINY = ("trainer.steps=4", "trainer.batch_size=16", "dataset.limit=40", "outputs=runs", "name=x")


@pytest.fixture
def vae(genctl: Genctl, trained: Callable[..., Path]) -> None:
    """runs/x is a trained VAE."""
    shutil.copytree(trained(*TINY[:-2]), "runs/x")


def test_samples_need_neither_the_data_nor_the_place(genctl: Genctl, colour_npz: str) -> None:
    genctl.good("train", "model=gan", "dataset=npz", f"dataset.path={colour_npz}", *TINY)
    Path(colour_npz).unlink()
    shutil.move("runs/x", "elsewhere")
    out = genctl.good("sample", "run=elsewhere", "n=300").out
    assert "elsewhere/samples.npz" in out
    samples = np.load("elsewhere/samples.npz")["samples"]
    assert samples.shape == (300, 9, 14, 3) and samples.dtype == np.uint8
    assert len(np.unique(samples.reshape(300, -1), axis=0)) == 300
    assert Image.open("elsewhere/samples.png").mode == "RGB"


@pytest.mark.usefixtures("vae")
def test_the_seed_chooses_the_samples(genctl: Genctl) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        genctl.good("sample", "run=runs/x", "n=5", f"seed={seed}", f"out={name}.npz")
    a, b, c = (np.load(f"{name}.npz")["samples"] for name in "abc")
    assert (a == b).all() and (a != c).any()


def test_reconstructions_stand_beside_their_originals(genctl: Genctl) -> None:
    genctl.good("train", "model=ae", *TINY)
    genctl.good("reconstruct", "run=runs/x", "n=6", "out=deep/r.npz")
    arrays = np.load("deep/r.npz")
    assert arrays["samples"].shape == arrays["originals"].shape == (6, 8, 8, 1)
    assert arrays["originals"].dtype == np.uint8 and arrays["originals"].max() > 200
    assert Path("deep/r.png").exists()


def test_a_family_says_what_it_cannot_do(genctl: Genctl) -> None:
    genctl.good("train", "model=gan", *TINY, "name=g")
    assert "GAN cannot reconstruct" in genctl.bad("reconstruct", "run=runs/g")


@pytest.mark.usefixtures("vae")
def test_labels_by_name_and_by_number(genctl: Genctl) -> None:
    genctl.good("train", "model=gan", "model.conditional=true", *TINY, "name=g")
    genctl.good("sample", "run=runs/g", "label=3", "n=2")
    assert "label=11 is not a class: choose one of 0, 1, 2" in genctl.bad("sample", "run=runs/g", "label=11")
    assert "train one with model.conditional=true" in genctl.bad("sample", "run=runs/x", "label=3")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sample run=runs/x n=0", "n=0: should be greater than 0"),
        ("sample run=runs/x out=a.png", "out=a.png: give a file that ends in .npz"),
        ("sample run=runs/x checkpoint=7", "checkpoint=7 is not there: choose latest, best, or a step of 4"),
        ("sample run=runs", "run=runs is not a genctl run"),
        ("sample run=runs/xx", "Did you mean 'runs/x'?"),
        ("sample", "genctl sample needs run=…"),
        ("reconstruct run=runs/x split=all", "split=all: should be 'train', 'validation' or 'test'"),
        ("sample run=runs/x seed=-1", "seed=-1"),
    ],
)
@pytest.mark.usefixtures("vae")
def test_mistakes_of_use(genctl: Genctl, words: str, message: str) -> None:
    assert message in genctl.bad(*words.split())


@pytest.mark.usefixtures("vae")
def test_a_run_without_a_whole_checkpoint_says_so(genctl: Genctl) -> None:
    for state in Path("runs/x").glob("checkpoints/*/state.safetensors"):
        state.write_bytes(b"no")
    assert "every checkpoint in runs/x/checkpoints is damaged" in genctl.bad("sample", "run=runs/x")
    Path("runs/x/spec.json").write_text("{")
    assert "spec.json cannot be read" in genctl.bad("sample", "run=runs/x")
