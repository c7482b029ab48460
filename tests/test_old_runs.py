"""Runs of other versions are told in one message, which says what to do; nothing of them is built or changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import Genctl, tiny

from genctl import load
from genctl.errors import UserError

COMMAND = "genctl train model=vae name=mine"


def made_by(version: str | None, run: Path, place: Path) -> Path:
    """A copy of a run that says it was made by a version; None: one that does not say which."""
    shutil.copytree(run, place)
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["model"]["_target_"] = "genctl.strategies.vae.VAE"
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    provenance = json.loads((place / "provenance.json").read_text()) | {"command": COMMAND}
    provenance["sessions"][-1]["packages"]["genctl"] = version
    (place / "provenance.json").write_text(json.dumps(provenance))
    if version is None:
        (place / "provenance.json").unlink()
    return place


@pytest.fixture
def run(trained: Callable[..., Path]) -> Path:
    return trained(*tiny("vae"), "trainer.steps=2")


@pytest.mark.parametrize("verb", ["sample", "resume", "evaluate", "export", "encode"])
def test_a_run_of_the_first_version(genctl: Genctl, run: Path, verb: str) -> None:
    made_by("0.1.0", run, Path("old"))
    before = {path: path.stat().st_mtime_ns for path in Path("old").rglob("*") if path.suffix in (".yaml", ".json")}
    message = genctl.bad(verb, "run=old")
    assert message.count("\n") == 1 and "old was made by genctl 0.1.0, and genctl 0.2.0 cannot open it" in message
    assert message.endswith(f"train it again under another name=…: {COMMAND}\n")
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_one_that_does_not_say_who_made_it(genctl: Genctl, run: Path) -> None:
    made_by(None, run, Path("old"))
    assert "old was made by genctl 0.1, and genctl 0.2.0 cannot open it" in genctl.bad("sample", "run=old")


def test_the_same_name_again(genctl: Genctl, run: Path) -> None:
    made_by("0.1.0", run, Path("runs/x"))
    assert "runs/x was made by genctl 0.1.0" in genctl.bad("train", *tiny("vae"), "trainer.steps=2", "name=x")


def test_compare_shows_its_numbers_still(genctl: Genctl, run: Path) -> None:
    made_by("0.1.0", run, Path("old"))
    assert "old" in genctl.good("compare", "old").out


def test_a_run_of_a_later_version_and_one_of_this(genctl: Genctl, run: Path) -> None:
    with pytest.raises(UserError, match="was made by genctl 0.10.3, which is newer than this one, 0.2.0: install that"):
        load(made_by("0.10.3", run, Path("later")))
    assert load(run).step == 2
