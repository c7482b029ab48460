"""Stopping at a good moment: a signal sets a flag, and the loop looks at it between two calls."""

import logging
import signal
import threading
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any

TOGETHER = (
    0.5  # seconds within which signals are one request: a cluster signals a sweep, which tells its trials, and these
)
log = logging.getLogger("genctl")


class Requests:
    """What signals ask of the loop, within the block.

    The first SIGINT, SIGTERM or SIGUSR2 (which clusters send before time is up) sets `stop`; one that comes
    later acts as it would have without this. SIGUSR1 sets `save`.
    """

    STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)

    def __init__(self) -> None:
        self.stop = False
        self.save = False
        self._asked = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Requests":
        if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
            self._before = {number: signal.signal(number, self._on_stop) for number in self.STOP}
            self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._on_save)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore(self._before)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        if not self.stop:
            self.stop, self._asked = True, time.monotonic()
            log.info("stopping once this portion of steps is done and saved; once more: at once")
        elif time.monotonic() - self._asked > TOGETHER:
            self._restore(self.STOP)
            signal.raise_signal(number)

    def _on_save(self, number: int, frame: FrameType | None) -> None:
        self.save = True

    def _restore(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            signal.signal(number, self._before[number])
