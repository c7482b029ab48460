"""Who works on which trial: a folder that one process alone can make, with a sign of life in it.

There is no controller: each process claims what it works on, on one machine or on several that share a disk. A claim
whose process is gone is taken over: at once on its own machine, on another after SILENCE.
"""

import contextlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import filelock
import psutil

from genctl.config import files
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.sweeps.definition import INSIDE

BEAT = 5.0  # seconds between two signs of life
SILENCE = 120.0  # seconds without one after which a claim is abandoned
WATCH = 15.0  # seconds for which another machine sees that there is none before it takes over
OWNER = "owner.json"


class Owner(TypedDict):
    """Which process holds a claim. began: see `beginning`, since numbers of processes come again."""

    host: str
    process: int
    began: float


class Claims:
    """The claims in a sweep's directory.

    Times are those of its file system, whose clock may jump as well: so nothing is taken over by times alone.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory / INSIDE / "claims"
        self._root.mkdir(parents=True, exist_ok=True)
        self._mine: set[Path] = set()
        self._seen: dict[Path, tuple[float, float]] = {}  # the newest sign of life, and when that was seen first
        self._stop = threading.Event()

    @contextlib.contextmanager
    def alive(self) -> Iterator[None]:
        """Within the block, what is claimed here shows that it is alive; behind it, all is let go."""
        thread = threading.Thread(target=self._beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            for place in list(self._mine):
                self.release(place.name)

    def take(self, name: str) -> bool:
        """Claim a trial; False where another process works on it."""
        place = self._root / name
        with filelock.FileLock(self._root / ".lock"):
            if place.exists():
                if not self._is_abandoned(place) or not self._is_watched(place):
                    return False
                shutil.rmtree(place, ignore_errors=True)  # its owner may be letting go of it just now
            try:
                place.mkdir()
            except FileExistsError:
                return False
            self._mine.add(place)  # first: a full disk may end the sweep, which is to let go of it
            self.hand_over(name, os.getpid())
        return True

    def hand_over(self, name: str, process: int) -> None:
        """Let the claim last for as long as another process of this machine, which may outlive this one."""
        with contextlib.suppress(psutil.NoSuchProcess):
            owner = Owner(host=socket.gethostname(), process=process, began=beginning(process))
            rundir.write(self._root / name / OWNER, json.dumps(owner))

    def release(self, name: str) -> None:
        """Let go of a trial."""
        self._mine.discard(self._root / name)
        shutil.rmtree(self._root / name, ignore_errors=True)

    def owner(self, name: str) -> Owner | None:
        """Who works on a trial now; None where nobody does."""
        place = self._root / name
        return None if not place.exists() or self._is_abandoned(place) else _read(place)

    def silence(self, name: str) -> float:
        """Seconds since the newest sign of life on a trial."""
        return max(0.0, self._now() - _sign(self._root / name))

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            for place in list(self._mine):
                with contextlib.suppress(OSError):  # a full disk, or a folder that is gone: others will see it
                    os.utime(place / OWNER)

    def _is_abandoned(self, place: Path) -> bool:
        owner = _read(place)
        if owner is not None and owner["host"] == socket.gethostname():
            return not lives(owner["process"], owner["began"])
        with contextlib.suppress(FileNotFoundError):
            return abs(self._now() - _sign(place)) > SILENCE  # who is alive renews a sign that lies in the future too
        return True

    def _is_watched(self, place: Path) -> bool:
        """Whether this process may believe that nobody is at work: at once on its own machine, else after WATCH."""
        owner = _read(place)
        if owner is not None and owner["host"] == socket.gethostname():
            return True
        with contextlib.suppress(FileNotFoundError):
            sign = _sign(place)
            if self._seen.setdefault(place, (sign, time.monotonic()))[0] != sign:
                self._seen[place] = sign, time.monotonic()
            return time.monotonic() - self._seen[place][1] >= WATCH
        return True

    def _now(self) -> float:
        (self._root / ".now").touch()
        return (self._root / ".now").stat().st_mtime


def _read(place: Path) -> Owner | None:
    """The owner; None where its process ended before it was written, or somebody changed it."""
    try:
        owner = json.loads(files.read_text(place / OWNER))
        return Owner(host=str(owner["host"]), process=int(owner["process"]), began=float(owner["began"]))
    except (UserError, OSError, ValueError, TypeError, KeyError):
        return None


def _sign(place: Path) -> float:
    """When the newest sign of life was given, by the clock of the file system."""
    return (place / OWNER if (place / OWNER).exists() else place).stat().st_mtime


def beginning(process: int) -> float:
    """Seconds from the start of the machine to that of a process, which no jump of the clock changes.

    Raises psutil.NoSuchProcess.
    """
    booted = psutil.boot_time()  # first: it is what psutil adds to the other
    return psutil.Process(process).create_time() - booted


def lives(process: int, began: float) -> bool:
    """Whether the process of this number that began then is there, and has not ended without being waited for."""
    with contextlib.suppress(psutil.Error):
        there = psutil.Process(process)
        return abs(beginning(process) - began) < 1 and there.status() != psutil.STATUS_ZOMBIE
    return False
