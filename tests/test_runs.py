"""`genctl runs delete`: what goes is shown, asked for, and no more than runs."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Genctl, tiny

from genctl.runs import rundir
from genctl.sweeps.claims import Claims

SWEEP = (
    *("train", "-m", *tiny("vae"), "dataset.limit=40", "trainer.steps=4", "trainer.xla=false"),
    *("seed=1,2", "name=x", "sweep.jobs=2"),
)
SEARCH = "search: {method: grid, metrics: [], better: [], pruner: none, seed: 0, trials: 2}"


@pytest.fixture
def here(genctl: Genctl, tiny_run: Callable[[str], Path]) -> Genctl:
    """Two runs and a file of the user's beside them."""
    for model in ("vae", "gan"):
        shutil.copytree(tiny_run(model), Path("runs") / model)
    Path("runs/notes.txt").write_text("mine")
    return genctl


def names(place: str) -> set[str]:
    return {path.name for path in Path(place).iterdir()}


def test_runs_go_and_all_else_stays(here: Genctl) -> None:
    Path("elsewhere").mkdir()
    Path("elsewhere/kept.txt").write_text("kept")
    Path("runs/vae/checkpoints/link").symlink_to(Path("elsewhere").resolve())
    out = here.good("runs", "delete", "runs/vae", "yes=true").out
    assert "runs/vae" in out and "finished" in out and "KiB" in out and "1 runs are deleted." in out
    assert names("runs") == {"gan", "notes.txt"} and Path("elsewhere/kept.txt").exists()
    here.good("runs", "delete", "runs", "runs/gan", "yes=true")
    assert names("runs") == {"notes.txt"}


def test_what_must_not_go_is_refused_before_anything_goes(here: Genctl) -> None:
    Path("runs/link").symlink_to("gan")
    Path("project").mkdir()
    Path("project/config.yaml").write_text("model: mine\n")  # of another program
    guard = rundir.lock(Path("runs/gan"))
    for place, message in (
        ("runs", "runs/gan trains now, so nothing is deleted"),
        ("runs/link", "runs/link is a link: name the directory that it leads to"),
        ("project", "project is no run and holds none: a run has a config.yaml and a provenance.json."),
        ("runs/notes.txt", "runs/notes.txt is no directory"),
        ("nowhere", "nowhere is no directory"),
    ):
        assert message in here.bad("runs", "delete", "runs/vae", place, "yes=true")
    assert "add yes=true" in here.bad("runs", "delete", "runs/vae"), "nobody can be asked here"
    assert "needs the directories" in here.bad("runs", "delete", "yes=true")
    assert "leave it out" in here.bad("runs", "runs/vae", "yes=true")
    guard.release()
    assert names("runs") == {"vae", "gan", "link", "notes.txt"} and Path("project/config.yaml").exists()


@pytest.mark.parametrize(("answer", "left"), [("y", {"gan", "notes.txt"}), ("n", {"vae", "gan", "notes.txt"})])
def test_a_terminal_is_asked(here: Genctl, answer: str, left: set[str]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "genctl", "runs", "delete", "runs/vae"]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.write(ours, f"{answer}\n".encode())
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "delete them? [y/n] (n)" in out and "runs/vae" in out
    assert ("nothing is deleted." in out) == (answer == "n") and names("runs") == left


def test_a_sweep_goes_with_the_last_of_its_runs(genctl: Genctl) -> None:
    genctl.good(*SWEEP)
    Path("runs/x/notes.txt").write_text("mine")
    genctl.good("runs", "delete", "runs/x/seed-1", "yes=true")
    assert names("runs/x") == {"seed-2", "sweep.yaml", ".sweep", "leaderboard.csv", "notes.txt"}
    assert "[2/2] seed-1 finished" in genctl.good(*SWEEP).out, "it is missing, so the sweep trains it again"
    out = genctl.good("runs", "delete", "runs/x/seed-1", "runs/x/seed-2", "yes=true").out
    assert "all of the sweep runs/x" in out and "runs/x stays" in out and names("runs/x") == {"notes.txt"}
    Path("runs/x/notes.txt").unlink()
    genctl.good(*SWEEP)
    claims = Claims(Path("runs/x"))
    claims.take("seed-1")  # as who begins to work on a trial
    assert "runs/x/seed-1 trains now" in genctl.bad("runs", "delete", "runs/x", "yes=true")
    assert names("runs/x") >= {"seed-1", "seed-2"}
    claims.release("seed-1")
    genctl.good("runs", "delete", "runs/x", "yes=true")
    assert names("runs") == set()


@pytest.mark.parametrize("name", ["../kept", "/kept", ".sweep", "''", "a/../../kept"])
def test_a_sweep_that_names_what_is_outside_deletes_nothing(here: Genctl, name: str) -> None:
    Path("kept").mkdir()
    Path("runs/sweep.yaml").write_text(f"fixed: {{}}\nswept: {{}}\n{SEARCH}\ntrials: [vae, {name}]\n")
    assert "cannot be a trial's name" in here.bad("runs", "delete", "runs", "yes=true")
    assert names("runs") == {"vae", "gan", "notes.txt", "sweep.yaml"} and Path("kept").exists()
