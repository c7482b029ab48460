"""Strange settings of data sets on the command line: one message, at once, or what they say."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl, tiny
from PIL import Image


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("limit=0", "dataset.limit=0: should be greater than 0"),
        ("limit=nan", "dataset.limit=nan"),
        ("split_seed=-1", "dataset.split_seed=-1: should be greater than or equal to 0"),
        ("folds=1000000000", "needs at least 1000000001 training examples"),
        ("fold=3", "dataset.fold=3 needs dataset.folds"),
        ("validation_fraction=nan", "dataset.validation_fraction=nan"),
        ("validation_fraction=1", "dataset.validation_fraction=1: should be less than 1"),
        ("test_fraction=1e400", "dataset.test_fraction=inf"),
        ("augment.shift=1000000", "dataset.augment.shift=1000000 moves images of 8 pixels out of sight"),
        ("augment.crop=1e-30", "dataset.augment.crop=1e-30 keeps less than one of 8 pixels"),
        ("augment.crop=nan", "dataset.augment.crop=nan"),
    ],
)
def test_numbers_without_sense(genctl: Genctl, setting: str, words: str) -> None:
    assert words in genctl.bad("train", "dataset=digits", f"dataset.{setting}")
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("image_size=100000", "[100000, 100000] takes"),
        ("image_size=[0,5]", "should be greater than 0"),
        ("image_size=[5,5,5]", "at most 2 items"),
        ("image_size=8.5", "should be a valid integer"),
        ("channels=2", "dataset.channels=2: should be 1 or 3"),
    ],
)
def test_sizes_without_sense(genctl: Genctl, setting: str, words: str) -> None:
    Image.new("L", (8, 8)).save("1.png")
    assert words in genctl.bad("train", "dataset=folder", "dataset.path=.", f"dataset.{setting}")


@pytest.mark.parametrize("dataset", ["npz", "folder"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/dev/zero")])
def test_nothing_waits_for_a_pipe(genctl: Genctl, dataset: str, make: Callable[[str], None]) -> None:
    make("x.npz")
    assert "x.npz is " in genctl.bad("train", f"dataset={dataset}", "dataset.path=x.npz")


def test_a_name_of_any_letters_and_huge_numbers_train(genctl: Genctl) -> None:
    for grey in range(6):
        folder = Path("ünï", "éß"[grey % 2])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), grey * 40, np.uint8)).save(folder / f"{grey}.png")
    huge = (f"dataset.limit={10**30}", f"dataset.split_seed={10**400}", "dataset.image_size=4")
    words = ("trainer.steps=1", "trainer.batch_size=2", "name=x", *huge)
    genctl.good("train", *tiny("vae"), *words, "dataset=folder", "dataset.path='ünï'")
    spec = json.loads(Path("runs/x/spec.json").read_text())
    assert (spec["name"], spec["image_shape"], spec["class_names"]) == ("ünï", [4, 4, 1], ["ß", "é"])
