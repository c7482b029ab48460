"""Data of a run that lie elsewhere now; and addresses in a run that are not asked for them."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import Genctl, rows

from genctl.runs.records import read_spec

CHEAP = ("model=vae_dense", "trainer.batch_size=16", "outputs=runs", "name=x", "callbacks.images.every_steps=0")


def images(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (80, 8, 8), np.uint8)


@pytest.fixture
def moved(genctl: Genctl) -> str:
    """Where the data of runs/x are after its first ten steps."""
    np.savez("a.npz", images=images())
    genctl.good("train", *CHEAP, "dataset=npz", "dataset.path=a.npz", "trainer.steps=10")
    Path("disk").mkdir()
    return str(shutil.move("a.npz", "disk/renamed.npz"))


def test_verbs_are_told_where_the_data_are(genctl: Genctl, moved: str) -> None:
    assert "say where it is now with dataset.path=" in genctl.bad("encode", "run=runs/x")
    where = f"dataset.path={moved}"
    genctl.good("encode", "run=runs/x", where, "split=train", "out=c.npz")
    genctl.good("reconstruct", "run=runs/x", where, "split=train", "n=3", "out=r.npz")
    assert len(np.load("c.npz")["codes"]) == 64
    known = {image.tobytes() for image in images()}
    assert all(image.tobytes() in known for image in np.load("r.npz")["originals"][..., 0])
    genctl.good("evaluate", "run=runs/x", where, "n=20", "metrics=[reconstruction]")
    for verb in ("interpolate", "traverse", "invert"):
        genctl.good(verb, "run=runs/x", where, "n=1", *(["split=train"] if verb == "interpolate" else []))


def test_a_run_goes_on_with_the_same_data_under_another_name(genctl: Genctl, moved: str) -> None:
    genctl.good("resume", "run=runs/x", f"dataset.path={moved}", "trainer.steps=20")
    assert rows("runs/x")[-1]["step"] == 20
    assert yaml.safe_load(Path("runs/x/config.yaml").read_text())["dataset"]["path"] == moved
    assert read_spec(Path("runs/x")).name == "a", "numbers of before and after are of one data set"
    genctl.good("resume", "run=runs/x", "trainer.steps=30")


def test_other_data_are_refused(genctl: Genctl, moved: str) -> None:
    np.savez("other.npz", images=images(seed=1))
    assert "it has changed" in genctl.bad("encode", "run=runs/x", "dataset.path=other.npz")
    assert "the data set has changed" in genctl.bad(
        "resume", "run=runs/x", "dataset.path=other.npz", "trainer.steps=20"
    )
    assert "has no such setting" in genctl.bad("encode", "run=runs/x", "dataset.url=http://127.0.0.1/")


def test_an_address_that_only_a_run_names_is_not_asked(
    genctl: Genctl, tiny_run: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GENCTL_DATA", raising=False)
    run = Path(shutil.copytree(tiny_run("vae"), "x"))
    Path("server").mkdir()
    np.savez("server/mnist.npz", **{name: np.zeros((30, 28, 28), np.uint8) for name in ("x_train", "x_test")},
             y_train=np.zeros(30, np.int64), y_test=np.zeros(30, np.int64))  # fmt: skip
    sha256 = hashlib.sha256(Path("server/mnist.npz").read_bytes()).hexdigest()
    config = yaml.safe_load((run / "config.yaml").read_text())
    address = f"file://{Path('server').resolve()}"
    config["dataset"] |= {"_target_": "genctl.data.load_mnist", "url": address, "files": {"mnist.npz": sha256}}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    message = genctl.bad("evaluate", "run=x", "n=20")
    assert "the address in a run is not asked" in message and not list(Path("cache").rglob("mnist.npz"))
    assert "it has changed" in genctl.bad("evaluate", "run=x", "n=20", f"dataset.url={address}")
    [kept] = Path("cache").rglob("mnist.npz")
    assert sha256[:16] in str(kept), "never where another run's or the user's own mnist.npz is looked for"
