"""Real training processes, stopped and killed at random moments, end as if nothing had happened.

Each row is a chain of signals to one run. With GENCTL_NIGHTLY=1 every family goes through a long one on both paths.
"""

import contextlib
import os
import random
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROLES, Genctl, newest_weights, tiny
from test_resume import start

KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
STEPS = 600
RUN = Path("runs/killed")
CONVOLUTIONS = ("generator.filters=[8]", "discriminator.filters=[8]", "discriminator.dropout=0.2")
KINDS = {model: tiny(model) for model in ROLES} | {
    "convolutions": (
        "model=gan",
        *CONVOLUTIONS,
        "outputs=runs",
        "trainer.batch_size=16",
        "callbacks.images.every_steps=0",
    )
}
CHAINS = [
    ("vae", False, (KILL,)),
    ("convolutions", True, (KILL,)),
    ("ae", True, (TERM,)),
    ("aegan", False, (KILL,)),
]
if os.environ.get("GENCTL_NIGHTLY") == "1":
    CHAINS = [(kind, resident, (KILL, TERM, KILL, INT, KILL)) for kind in KINDS for resident in (True, False)]


def options(kind: str, resident: bool) -> tuple[str, ...]:
    phases = ("model.phases.autoencoder=100", "model.phases.adversarial=100") if kind == "aegan" else ()
    return (
        *KINDS[kind], *phases, f"trainer.resident={str(resident).lower()}", f"trainer.steps={STEPS}",
        "callbacks.validate.every_steps=100", "callbacks.log.every_steps=20", "callbacks.checkpoint.every_steps=5",
    )  # fmt: skip


@contextlib.contextmanager
def chance() -> Iterator[random.Random]:
    """Random numbers; a failure says how to have the same ones again."""
    seed = int(os.environ.get("GENCTL_SEED") or random.SystemRandom().randrange(2**32))
    try:
        yield random.Random(seed)
    except BaseException as error:
        error.add_note(f"the same random moments again: GENCTL_SEED={seed}")
        raise


def newest_step() -> int:
    return max((int(path.name[5:]) for path in RUN.glob("checkpoints/step-*")), default=0)


def wait_for(process: subprocess.Popen, step: int) -> None:
    """Wait for a checkpoint of this step or a later one, or for the end."""
    while process.poll() is None and newest_step() < step:
        time.sleep(0.002)


def strike(words: tuple[str, ...], number: signal.Signals, numbers: random.Random) -> tuple[int, str]:
    """Run the command, strike it at a random moment, and return its exit status and what it said."""
    begin = newest_step()
    process = start(*words)
    try:
        if number == KILL and numbers.random() < 0.2:  # somewhere between its first file and its first steps
            while process.poll() is None and f"process {process.pid}" != owner():
                time.sleep(0.002)
            time.sleep(numbers.uniform(0, 2))
        elif number == KILL:
            wait_for(process, begin + 1)
            time.sleep(numbers.uniform(0, 0.3))
        else:
            wait_for(process, begin + numbers.randint(1, max(1, (STEPS - begin) // 2)))
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    return process.returncode, said


def owner() -> str:
    with contextlib.suppress(FileNotFoundError):
        return (RUN / ".owner").read_text()
    return ""


def struck(words: tuple[str, ...], number: signal.Signals, numbers: random.Random) -> list[str]:
    """Strike until it hits before the end; return the command that continues."""
    for _ in range(5):
        status, said = strike(words, number, numbers)
        if number == KILL and status == -KILL:
            return ["train", *words]
        if status == 75:
            assert "Traceback" not in said
            return shlex.split(said.partition("go on with: genctl ")[2])
        assert status in (0, -number), said
        assert newest_step() == STEPS, said  # it was over: once more from the beginning
        shutil.rmtree(RUN)
    raise AssertionError("the run is always over before the signal comes")


@pytest.mark.parametrize(("kind", "resident", "signals"), CHAINS)
def test_random_signals_change_nothing(
    genctl: Genctl, kind: str, resident: bool, signals: tuple[signal.Signals, ...]
) -> None:
    words = options(kind, resident)
    genctl.good("train", *words, "name=whole")
    with chance() as numbers:
        for number in signals:
            go_on = struck((*words, "name=killed"), number, numbers)
        genctl.good(*go_on)
        assert newest_weights(RUN) == newest_weights("runs/whole")
        assert (RUN / "metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()
