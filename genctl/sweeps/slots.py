"""Processes for trials, and what each has of the machine: some cores, and one GPU where there are any."""

import contextlib
import dataclasses
import multiprocessing
import multiprocessing.process
import multiprocessing.resource_tracker
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genctl.errors import UserError
from genctl.sweeps.claims import beginning, lives

Process = multiprocessing.process.BaseProcess
WARM = ("tensorflow", "keras", "hydra", "genctl.training.engine", "genctl.training.run", "genctl.runs.pretrained")
LOOK = 0.5  # seconds between two looks at whether the sweep is there
CORES_A_JOB = 2
CLUSTERS = {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}  # signals that a cluster sends to every process of a job
FIRST_TO_GO = b"500"  # of a machine without memory: a trial, and not who watches over it


@dataclasses.dataclass(frozen=True)
class Slot:
    """A place for one trial at a time. cores: that its process may run on. gpu: the only one it sees; None: all."""

    cores: Sequence[int]
    gpu: str | None


def slots(jobs: int | None) -> list[Slot]:
    """Share the machine among so many trials at a time; None: as many as suit it."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    gpus = _gpus()
    count = jobs or len(gpus) or max(1, len(cores) // CORES_A_JOB)
    share = max(1, len(cores) // count)
    return [
        Slot(
            [cores[(place * share + offset) % len(cores)] for offset in range(share)],
            gpus[place % len(gpus)] if len(gpus) > 1 else None,
        )
        for place in range(count)
    ]


def _gpus() -> list[str]:
    """The GPUs that may be used, as CUDA names them; found without starting TensorFlow."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name and name != "-1"]
    return [str(place) for place in range(len([*Path("/dev").glob("nvidia[0-9]*")]))]


def start(function: Callable[[Sequence[str]], int], words: Sequence[str], slot: Slot, log: Path) -> Process:
    """Call a function of words in a process of its own, whose output goes to a file; its status is the exit status.

    The process is forked from one that has imported TensorFlow and run nothing of it, which takes no time. It stops as
    by SIGTERM where this process ends.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(WARM))
    place: dict[str, Any] = {"sweep": (os.getpid(), beginning(os.getpid()))}
    place |= {"directory": str(Path.cwd()), "environment": dict(os.environ), "path": list(sys.path)}
    process = context.Process(target=_enter, args=(function, list(words), slot, str(log), place))
    with _held_back():
        multiprocessing.resource_tracker.ensure_running()  # lets signals through once it has started
    try:
        with _held_back():
            process.start()
    except OSError as error:
        if "AF_UNIX" not in str(error):
            raise
        raise UserError(
            f"no process can be started: TMPDIR={tempfile.gettempdir()} is too long a path for the sockets of Unix, "
            "which have about 100 letters: name a shorter one."
        ) from error
    return process


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Processes that begin within the block are deaf to what a cluster sends; this one hears it behind the block.

    The process that trials are forked from must outlive the signal: without it nobody learns how a trial ended.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, CLUSTERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _enter(
    function: Callable[[Sequence[str]], int], words: Sequence[str], slot: Slot, log: str, place: Mapping[str, Any]
) -> None:
    os.setsid()  # Ctrl-C is for the sweep, which asks its trials to stop
    os.environ.clear()
    os.environ.update(place["environment"])
    os.chdir(place["directory"])
    sys.path[:] = place["path"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in CLUSTERS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CLUSTERS)
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_bytes(FIRST_TO_GO)
        os.sched_setaffinity(0, slot.cores)
    if slot.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = slot.gpu
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    threading.Thread(target=_stop_with, args=place["sweep"], daemon=True).start()
    sys.exit(function(words))


def _stop_with(process: int, began: float) -> None:
    """Ask this process to stop once another one is gone."""
    while lives(process, began):
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
