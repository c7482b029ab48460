"""What may go wrong while a run is written: a kill at any write, a place that is full or gone, a loss that breaks."""

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NIGHTLY, ROLES, Genctl, newest_weights, rows, tiny
from test_resume import options, start, wait_for_step

from genctl.runs import checkpoint

EVERY = ("trainer.steps=30", "callbacks.checkpoint.every_steps=10", "callbacks.log.every_steps=10")
WORDS = (*options("vae"), *EVERY)
End = tuple[bytes, bytes]  # newest weights and metrics.jsonl
PHASES = ("model.phases.autoencoder=5", "model.phases.adversarial=10", "model.phases.joint=15")


def end_of(run: Path) -> End:
    return newest_weights(run), (run / "metrics.jsonl").read_bytes()


class Killed(BaseException):
    """Stands for SIGKILL: nothing of genctl may catch it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int, operation: int) -> None:
    """Kill at the n-th write, flush, rename or removal for a checkpoint, but for what a kill left behind."""
    at, count = 0, 0
    save, rmtree = checkpoint.save, shutil.rmtree

    def saved(root: Path, now: int, *arguments):
        nonlocal at, count
        at, count = now, 0
        return save(root, now, *arguments)

    def counted(function):
        def wrapper(*arguments, **options):
            nonlocal count
            count += not (function is rmtree and arguments[0].suffix == ".tmp")
            if (at, count) == (step, operation):
                raise Killed
            return function(*arguments, **options)

        return wrapper

    monkeypatch.setattr(checkpoint, "save", saved)
    monkeypatch.setattr(checkpoint, "_flush", counted(checkpoint._flush))
    monkeypatch.setattr(checkpoint.safetensors.numpy, "save_file", counted(checkpoint.safetensors.numpy.save_file))
    monkeypatch.setattr(checkpoint.Path, "rename", counted(Path.rename))
    monkeypatch.setattr(checkpoint.shutil, "rmtree", counted(rmtree))


# A checkpoint is seven operations, of which the sixth makes it count; after the third one, an eighth deletes the first.
MOMENTS = [*((step, operation) for step in (10, 20, 30) for operation in range(1, 8)), (30, 8)]


@pytest.mark.parametrize("model", [pytest.param(model, marks=() if model == "vae" else NIGHTLY) for model in ROLES])
def test_kills_at_every_write_of_a_checkpoint_lose_nothing(
    genctl: Genctl, trained: Callable[..., Path], model: str
) -> None:
    """The moments are dealt to the families; one run goes through all of its family's."""
    often = ("trainer.xla=false", "callbacks.validate.every_steps=15", *(PHASES if model == "aegan" else ()))
    words = (*tiny(model), *EVERY, *often)
    for step, operation in MOMENTS[[*ROLES].index(model) :: len(ROLES)]:
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, step, operation)
            with pytest.raises(Killed):
                genctl("train", *words, "name=x")
        kept = checkpoint.newest(Path("runs/x/checkpoints"))
        reached = kept.facts["step"] if kept else 0
        assert step - 10 <= reached <= step and (reached == step) == (operation > 6)
    genctl.good("train", *words, "name=x")
    assert not list(Path("runs/x/checkpoints").glob(".*"))
    assert end_of(Path("runs/x")) == end_of(trained(*words))


def test_a_full_disk_is_one_error_and_what_was_saved_stays(genctl: Genctl, trained: Callable[..., Path]) -> None:
    def full(path: Path) -> None:
        if "step-000000020" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_flush", full)
        assert "No space left on device" in genctl.bad("train", *WORDS, "name=x")
    assert "continuing at step 10 of 30" in genctl.good("train", *WORDS, "name=x").out
    assert end_of(Path("runs/x")) == end_of(trained(*WORDS))


def test_a_directory_that_vanishes_is_one_error(genctl: Genctl) -> None:
    process = start(*options("vae"), "name=x", "trainer.steps=100000", "callbacks.checkpoint.every_steps=50")
    wait_for_step(process, "runs/x", 50)
    shutil.rmtree("runs", ignore_errors=True)
    shutil.rmtree("runs", ignore_errors=True)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("error: ") and "No such file or directory" in err and "Traceback" not in err


@pytest.mark.parametrize("resident", ["true", "false"])
def test_sigusr1_saves_and_goes_on(genctl: Genctl, resident: str) -> None:
    process = start(
        *tiny("vae"),
        f"trainer.resident={resident}",
        "name=x",
        "trainer.steps=100000",
        "callbacks.checkpoint.every_steps=400",
    )
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
        loss, logs, posterior = super().loss(batch, context, training)
        bad = tf.where(context.noise.uniform("bad", ()) < 0.1, float("nan"), 0.0)
        return loss + bad, logs | {"loss": loss + bad}, posterior
"""


BROKEN = ("model._target_=shaky.Shaky", "trust=[shaky]", "callbacks.validate.every_steps=0")


def test_a_loss_that_breaks_before_the_first_checkpoint_rolls_back_to_the_beginning(genctl: Genctl) -> None:
    Path("shaky.py").write_text(SHAKY)
    early = (
        "seed=1",
        "trainer.steps=8",
        "callbacks.checkpoint.every_steps=20",
        "callbacks.checkpoint.keep=1",
    )  # at step 3
    words = ("train", *WORDS, *BROKEN, *early, "trainer.on_nan=rollback", "name=x")
    assert "Going back to step 0 (1 of 3)" in genctl.good(*words).out
    assert [row["step"] for row in rows("runs/x")] == [8]
    assert [path.name for path in Path("runs/x/checkpoints").iterdir()] == ["step-000000008"]


def test_a_broken_loss_rolls_back_to_the_last_good_checkpoint(genctl: Genctl) -> None:
    Path("shaky.py").write_text(SHAKY)
    words = (
        "train",
        *WORDS,
        *BROKEN,
        "callbacks.checkpoint.every_steps=5",
        "callbacks.log.every_steps=5",
        "trainer.steps=40",
    )
    assert "loss is not finite at step" in genctl.bad(*words, "name=stops")
    recover = ("trainer.on_nan=rollback", "trainer.rollback_factor=0.5")
    out = genctl.good(*words, "name=x", *recover, "trainer.rollbacks=20").out
    assert "Going back to step" in out
    steps = [row["step"] for row in rows("runs/x")]
    assert steps == list(range(5, 41, 5))
    message = genctl.bad(*words, "name=y", *recover, "trainer.rollbacks=1")
    assert "is not finite" in message
