"""Files of a run that are damaged or half written, and signals that come twice."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import FACTS, Genctl, newest_weights, tiny
from test_faults import End, Killed, end_of

from genctl.compute import parallel
from genctl.runs import checkpoint, rundir
from genctl.training.callbacks import Log
from genctl.training.run import Run
from genctl.training.signals import TOGETHER

EVERY = (
    "optimizer.learning_rate=1e-3",  # which falls no faster in a shorter run
    "trainer.xla=false",
    "trainer.steps=30",
    "callbacks.checkpoint.every_steps=10",
    "callbacks.log.every_steps=10",
)
WORDS = ("train", *tiny("vae"), *EVERY, "name=x")


def flipped(place: float, bit: int):
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(place * (len(content) - 1))] ^= 1 << bit
        path.write_bytes(content)

    return damage


DAMAGES = {
    "empty": lambda path: os.truncate(path, 0),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "one byte less": lambda path: os.truncate(path, path.stat().st_size - 1),
    "gone": Path.unlink,
    "first bit": flipped(0, 0),
    "a bit in the middle": flipped(0.5, 3),
    "last bit": flipped(1, 7),
}


@pytest.fixture
def finished(trained: Callable[..., Path]) -> Path:
    """A finished run, to be copied."""
    return trained(*WORDS[1:-1])


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [checkpoint.STATE, checkpoint.MANIFEST])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_read(
    finished: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
    name: str, damage: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(checkpoint.log, "propagate", True)
    root = Path(shutil.copytree(finished / "checkpoints", tmp_path / "checkpoints"))
    newest = checkpoint.steps(root)[-1]
    DAMAGES[damage](newest / name)
    found = checkpoint.newest(root)
    assert found and found.facts["step"] == 20 and f"{newest} is damaged" in caplog.text


@pytest.mark.parametrize("damage", ["half", "gone"])
@pytest.mark.parametrize("name", [checkpoint.STATE, checkpoint.MANIFEST])
def test_a_run_with_a_damaged_checkpoint_ends_as_a_whole_one(
    genctl: Genctl, finished: Path, name: str, damage: str
) -> None:
    shutil.copytree(finished, "runs/x")
    newest = checkpoint.steps(Path("runs/x/checkpoints"))[-1]
    DAMAGES[damage](newest / name)
    out = genctl.good(*WORDS).out
    assert f"{newest} is damaged" in out and "continuing at step 20 of 30" in out
    assert end_of(Path("runs/x")) == end_of(finished)


def test_a_run_whose_checkpoints_are_all_damaged_is_not_begun_again(genctl: Genctl, finished: Path) -> None:
    shutil.copytree(finished, "runs/x")
    steps = checkpoint.steps(Path("runs/x/checkpoints"))
    for path in steps:
        (path / checkpoint.STATE).write_bytes(b"")
    before = Path("runs/x/metrics.jsonl").read_bytes()
    for words in (WORDS, ["resume", "run=runs/x"], ["sample", "run=runs/x"]):
        message = genctl.bad(*words)
        assert "every checkpoint in runs/x/checkpoints is damaged" in message and steps[-1].name in message
    assert Path("runs/x/metrics.jsonl").read_bytes() == before
    shutil.rmtree("runs/x/checkpoints")
    genctl.good(*WORDS)
    assert end_of(Path("runs/x")) == end_of(finished)


def test_no_bit_of_a_checkpoint_changes_unseen(tmp_path: Path) -> None:
    import numpy as np

    path = checkpoint.save(tmp_path, 3, {"a": np.arange(3.0)}, FACTS)
    for file in sorted(path.iterdir()):
        content = file.read_bytes()
        for bit in range(8 * len(content)):
            damaged = bytearray(content)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write_bytes(damaged)
            with pytest.raises(checkpoint.Damaged):
                checkpoint.load(path)
        file.write_bytes(content)
    assert checkpoint.load(path).facts["step"] == 3


def test_damaged_checkpoints_do_not_push_good_ones_out(genctl: Genctl, finished: Path) -> None:
    """With keep=1 the only good checkpoint is older than the damaged one: it stays, and so does its successor."""
    keep = ("trainer.steps=40", "callbacks.checkpoint.keep=1", "callbacks.checkpoint.every_steps=5")
    shutil.copytree(finished, "runs/x")
    newest = checkpoint.steps(Path("runs/x/checkpoints"))[-1]
    (newest / checkpoint.STATE).write_bytes(b"")
    save = Run.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "save", lambda run: kill() if run.step == 30 else save(run))
        with pytest.raises(Killed):
            genctl("resume", "run=runs/x", *keep)
    assert "continuing at step 25 of 40" in genctl.good("resume", "run=runs/x", *keep).out
    genctl.good(*WORDS[:-1], "name=whole", *keep)
    assert newest_weights("runs/x") == newest_weights("runs/whole")


def kill() -> None:
    raise Killed


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_kill_while_the_directory_is_made_loses_nothing(genctl: Genctl, finished: Path, moment: int) -> None:
    """At the first, second and so on of the small files, which is written aside and not renamed yet."""
    count, rename = 0, Path.replace

    def replace(path: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise Killed
        rename(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rundir.Path, "replace", replace)
        with pytest.raises(Killed):
            genctl(*WORDS)
    genctl.good(*WORDS)
    end: End = end_of(Path("runs/x"))
    assert end == end_of(finished)


def test_a_signal_that_comes_while_processes_agree_is_not_lost(genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> None:
    agree, asked = parallel.agree, []

    def signalled(stop: bool, pace: float) -> tuple[bool, float]:
        if not asked:
            os.kill(os.getpid(), signal.SIGINT)
        asked.append(stop)
        return agree(stop, pace)

    monkeypatch.setattr(parallel, "agree", signalled)
    assert genctl(*WORDS).status == 75
    assert asked == [False, True]


def test_a_second_signal_stops_at_once(genctl: Genctl, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one comes at step 10; while its checkpoint is about to be written, the second one comes."""
    call, save = Log.__call__, Run.save
    asked: list[int] = []

    def logged(log: Log, run: Run) -> None:
        call(log, run)
        if run.step == 10:
            asked.append(run.step)
            os.kill(os.getpid(), signal.SIGINT)

    def saved(run: Run) -> None:
        if asked:
            time.sleep(1.1 * TOGETHER)  # until then it would be the same request
            os.kill(os.getpid(), signal.SIGINT)
        save(run)

    with monkeypatch.context() as patch:
        patch.setattr(Log, "__call__", logged)
        patch.setattr(Run, "save", saved)
        result = genctl(*WORDS)
    assert result.status == 130 and "Traceback" not in result.err
    assert json.loads(Path("runs/x/summary.json").read_text())["status"] == "stopped"
    assert not list(Path("runs/x").glob("checkpoints/step-*"))
    genctl.good(*WORDS)
    assert end_of(Path("runs/x")) == end_of(finished)
