"""What a sweep meets beside its trials: full disks, clocks that jump, machines that are gone, files that change."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from conftest import NIGHTLY, Genctl
from test_runs import SEARCH
from test_sweeps import SWEEP, files

from genctl.sweeps import claims
from genctl.sweeps.claims import Claims

WORDS = (*SWEEP, "seed=1,2", "name=x")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep over two seeds that nothing disturbs."""
    from genctl.cli.main import main

    place = tmp_path_factory.mktemp("undisturbed")
    assert main([*SWEEP, "seed=1,2", f"outputs={place}", "name=whole"]) == 0
    return place / "whole"


# A disk of its own in a name space of its own: first a small one, then with room; what is on it is copied off it.
FULL = """
mkdir runs && mount -t tmpfs -o size="$1" tmpfs runs && shift || exit 99
"$@" > first 2>&1
echo $? > status
mount -o remount,size=64m runs
"$@" > second 2>&1 && cp -r runs/x there
"""


@pytest.mark.parametrize("size", ["150k", pytest.param("60k", marks=NIGHTLY)])
def test_a_disk_that_is_full_loses_nothing(genctl: Genctl, undisturbed: Path, size: str) -> None:
    command = [sys.executable, "-m", "genctl", *WORDS]
    done = subprocess.run(["unshare", "-rm", "sh", "-c", FULL, "sh", size, *command], capture_output=True, text=True)
    if not Path("status").exists():
        pytest.skip(f"this system lets nobody have a disk of his own: {done.stderr}")
    first = Path("first").read_text()
    assert Path("status").read_text() == "1\n" and "Traceback" not in first
    assert "No space left on device" in first or "of disk are free" in first
    assert done.returncode == 0, Path("second").read_text()
    assert files("there") == files(undisturbed)


def elsewhere(name: str) -> Path:
    """Let a claim be of a process on another machine."""
    owner = Path("runs/x/.sweep/claims", name, claims.OWNER)
    owner.parent.mkdir(parents=True, exist_ok=True)
    owner.write_text(json.dumps({"host": "elsewhere", "process": 1, "began": 0.0}))
    return owner


def shift(path: Path, seconds: float) -> None:
    os.utime(path, (path.stat().st_mtime + seconds,) * 2)


@pytest.mark.parametrize("jump", [-9.0, 9.0])
def test_the_work_of_a_machine_that_is_gone_is_taken_over(
    genctl: Genctl, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    shutil.copytree(undisturbed, "runs/x")
    shutil.rmtree("runs/x/seed-2")
    shift(elsewhere("seed-2"), jump * claims.SILENCE)
    monkeypatch.setattr(claims, "WATCH", 0.5)
    assert "[2/2] seed-2 finished" in genctl.good(*WORDS).out
    assert files("runs/x") == files(undisturbed)


@pytest.mark.parametrize("jump", [-9.0, 9.0])
def test_a_clock_that_jumps_takes_no_work_from_who_is_alive(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    monkeypatch.setattr(claims, "WATCH", 0.2)
    owner, mine = elsewhere("a"), Claims(Path("runs/x"))
    assert not mine.take("a"), "it gave a sign of life just now"
    shift(owner, jump * claims.SILENCE)  # as if all later times were others
    for _ in range(5):
        assert not mine.take("a")
        time.sleep(0.1)
        shift(owner, 0.1)  # it lives
    assert not mine.take("a")
    time.sleep(0.3)
    assert mine.take("a") and mine.owner("a")["host"] != "elsewhere"
    (owner.parent / claims.OWNER).write_text("{")
    assert not mine.take("a"), "it is written just now"


def test_a_process_is_known_again_after_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    began, boot, create = claims.beginning(os.getpid()), psutil.boot_time, psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot() + 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create(process) + 3600)
    assert claims.lives(os.getpid(), began) and not claims.lives(os.getpid(), began + 2)


SOUND = f"fixed: {{}}\nswept: {{seed: ['1', '2']}}\n{SEARCH}\n"
DAMAGES = {
    "": "holds no settings",
    "- 1": "holds no settings",
    "text": "holds no settings",
    "a: [1": "cannot be read",
    SOUND: "trials",
    f"{SOUND}trials: 5": "trials=5",
    f"{SOUND}trials: [1]": "trials[0]=1",
    f"{SOUND}trials: [../x]": "../x cannot be a trial's name",
    f"{SOUND}trials: [a/../../x]": "a/../../x cannot be a trial's name",
    f"{SOUND}trials: []\nmore: 1": "more",
    f"{SOUND}trials: []".replace("seed: 0", "seed: x"): "seed=x",
    f"{SOUND}trials: []".replace("fixed: {}", "fixed: []"): "fixed=",
    f"{SOUND}trials: []".replace("fixed: {}", "fixed: {a: &a [1], b: *a}"): "fixed.a=",
    f"{SOUND}trials: []".replace("['1', '2']", "1"): "swept.seed",
}


@pytest.mark.parametrize("text", DAMAGES)
def test_a_sweep_that_was_edited_is_one_message(genctl: Genctl, undisturbed: Path, text: str) -> None:
    shutil.copytree(undisturbed, "runs/x")
    Path("runs/x/sweep.yaml").write_text(text)
    for words in (
        WORDS,
        ("sweep", "status", "runs/x"),
        ("sweep", "stop", "runs/x"),
        ("runs", "delete", "runs/x", "yes=true"),
    ):
        message = genctl.bad(*words)
        assert "runs/x/sweep.yaml" in message and DAMAGES[text] in message and message.count("\n") == 1
    assert files("runs/x") == files(undisturbed) and Path("runs/x/sweep.yaml").read_text() == text
    Path("runs/x/sweep.yaml").unlink()
    genctl.good(*WORDS)
    assert files("runs/x") == files(undisturbed)
    assert yaml.safe_load(Path("runs/x/sweep.yaml").read_text())["trials"] == ["seed-1", "seed-2"]


def test_trials_that_were_taken_out_of_the_file_come_back(genctl: Genctl, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, "runs/x")
    stored = yaml.safe_load(Path("runs/x/sweep.yaml").read_text())
    Path("runs/x/sweep.yaml").write_text(yaml.safe_dump({**stored, "trials": ["more"]}))
    assert "2 missing" in genctl.good("sweep", "status", "runs/x").out
    genctl.good(*WORDS)
    assert "2 finished" in genctl.good("sweep", "status", "runs/x").out and files("runs/x") == files(undisturbed)
