"""What may go wrong while a run is written: a kill at any write, a place that is full or gone, a loss that breaks."""

import errno
import os
import shutil
import signal
from pathlib import Path

import pytest
from conftest import Genctl, newest_weights, rows
from test_resume import options, start, wait_for_step

from genctl import checkpoint

WORDS = (*options("vae"), "trainer.steps=30", "callbacks.checkpoint.every=10", "callbacks.log.every=10")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of genctl may catch it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """Kill at the n-th flush, rename, replacement or removal that concerns a checkpoint."""
    count = 0

    def counted(function):
        def wrapper(*arguments, **options):
            nonlocal count
            count += 1
            if count == moment:
                raise Killed
            return function(*arguments, **options)

        return wrapper

    monkeypatch.setattr(checkpoint, "_flush", counted(checkpoint._flush))
    monkeypatch.setattr(checkpoint.safetensors.numpy, "save_file", counted(checkpoint.safetensors.numpy.save_file))
    monkeypatch.setattr(checkpoint.Path, "rename", counted(Path.rename))
    monkeypatch.setattr(checkpoint.shutil, "rmtree", counted(shutil.rmtree))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Weights and metrics of a run that nothing disturbed."""
    from genctl.cli import main

    place = tmp_path_factory.mktemp("whole")
    before = Path.cwd()
    os.chdir(place)
    try:
        assert main(["train", *WORDS, "name=x"]) == 0
    finally:
        os.chdir(before)
    return newest_weights(place / "runs/x"), (place / "runs/x/metrics.jsonl").read_bytes()


@pytest.mark.parametrize("moment", range(8, 22))
def test_a_kill_at_any_write_of_a_checkpoint_loses_nothing(
    genctl: Genctl, whole: tuple[bytes, bytes], moment: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, moment)
        with pytest.raises(Killed):
            genctl("train", *WORDS, "name=x")
    assert "continuing at step" in genctl.good("train", *WORDS, "name=x").out
    assert (newest_weights("runs/x"), Path("runs/x/metrics.jsonl").read_bytes()) == whole


def test_a_full_disk_is_one_error_and_what_was_saved_stays(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch, whole: tuple[bytes, bytes]
) -> None:
    def full(path: Path) -> None:
        if "step-000000020" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_flush", full)
        assert "No space left on device" in genctl.bad("train", *WORDS, "name=x")
    assert "continuing at step 10 of 30" in genctl.good("train", *WORDS, "name=x").out
    assert (newest_weights("runs/x"), Path("runs/x/metrics.jsonl").read_bytes()) == whole


def test_a_directory_that_vanishes_is_one_error(genctl: Genctl) -> None:
    process = start(*options("vae"), "name=x", "trainer.steps=100000", "callbacks.checkpoint.every=50")
    wait_for_step(process, "runs/x", 50)
    shutil.rmtree("runs", ignore_errors=True)
    shutil.rmtree("runs", ignore_errors=True)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("error: ") and "No such file or directory" in err and "Traceback" not in err


def test_sigusr1_saves_and_goes_on(genctl: Genctl) -> None:
    process = start(*options("vae"), "name=x", "trainer.steps=100000", "callbacks.checkpoint.every=400")
    wait_for_step(process, "runs/x", 400)
    process.send_signal(signal.SIGUSR1)
    try:
        odd = False
        while not odd:
            assert process.poll() is None
            odd = any(int(path.name[5:]) % 400 for path in Path("runs/x/checkpoints").glob("step-*"))
    finally:
        process.kill()
        process.communicate()


SHAKY = """
import tensorflow as tf
from genctl.strategies.vae import VAE

class Shaky(VAE):
    def loss(self, batch, context, training):
        loss, logs = super().loss(batch, context, training)
        bad = tf.where(context.noise.uniform("bad", ()) < 0.1, float("nan"), 0.0)
        return loss + bad, logs | {"loss": loss + bad}
"""


def test_a_broken_loss_rolls_back_to_the_last_good_checkpoint(genctl: Genctl) -> None:
    Path("shaky.py").write_text(SHAKY)
    shaky = ("model._target_=shaky.Shaky", "trust=[shaky]", "callbacks.validate.every=0")
    words = ("train", *WORDS, *shaky, "callbacks.checkpoint.every=5", "callbacks.log.every=5", "trainer.steps=40")
    assert "loss is not finite at step" in genctl.bad(*words, "name=stops")
    recover = ("trainer.on_nan=rollback", "trainer.rollback_factor=0.5")
    out = genctl.good(*words, "name=x", *recover, "trainer.rollbacks=20").out
    assert "Going back to step" in out
    steps = [row["step"] for row in rows("runs/x")]
    assert steps == list(range(5, 41, 5))
    message = genctl.bad(*words, "name=y", *recover, "trainer.rollbacks=1")
    assert "is not finite" in message
