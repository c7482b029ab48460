"""The work of a sweep on one machine: claim a trial, train it in a process of its own, look for the next one."""

import contextlib
import dataclasses
import functools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from genctl.errors import Stopped, UserError
from genctl.sweeps import searching, slots, states
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import INSIDE, STOP, Sweep, Trial
from genctl.sweeps.pruning import Pruner
from genctl.sweeps.slots import Process, Slot
from genctl.training.signals import TOGETHER

LOOK = 0.05  # seconds between two looks at what runs
ELSEWHERE = 2.0  # seconds between two looks at what other processes work on
STOPPED = 75  # the exit status of a run that was asked to stop
WORKER = "GENCTL_SWEEP_WORKER"  # a variable: this is one of many processes that do what one command asked for
BEFORE_ANY_STEP = (-signal.SIGTERM, -signal.SIGUSR2)  # that of one which had nothing to save yet
log = logging.getLogger("genctl")
Train = Callable[..., int]  # settings and flags of one trial, as typed, and its pruner, to the exit status


@dataclasses.dataclass
class Running:
    """A trial at work. tries: those before this one."""

    trial: Trial
    process: Process
    slot: Slot
    tries: int


def begin_anew(sweep: Sweep) -> None:
    """Forget that trials failed, so that they are tried again, and that the sweep was asked to stop."""
    for trial in sweep.trials:
        states.forget_failure(sweep, trial)
    (sweep.directory / INSIDE / STOP).unlink(missing_ok=True)


class Stop:
    """What signals ask for, within the block: the first stops all trials, which save; the second stops them at once.

    SIGUSR2, which clusters send before time is up, is handed on behind the block to a function that handled it before.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)

    def __init__(self) -> None:
        self.asked = 0
        self._last = -TOGETHER
        self._time_is_up = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
            self._before = {number: signal.signal(number, self._on) for number in self.SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._time_is_up and callable(self._before[signal.SIGUSR2]):
            signal.raise_signal(signal.SIGUSR2)

    def _on(self, number: int, frame: FrameType | None) -> None:
        self._time_is_up |= number == signal.SIGUSR2
        self.asked += time.monotonic() - self._last > TOGETHER
        self._last = time.monotonic()


class Engine:
    """Works on a sweep until no trial is left for it.

    tell: is given a trial and what became of it, whenever one begins or ends; show: is called again and again.
    """

    def __init__(self, sweep: Sweep, train: Train, retries: int, places: Sequence[Slot], claims: Claims) -> None:
        self.sweep, self.train, self.retries, self.claims = sweep, train, retries, claims
        self.free = list(places)
        self.running: list[Running] = []
        self.waiting = list(sweep.trials)
        self.tries: dict[str, int] = {}
        self.failed: dict[str, str] = {}  # why, by the trial's name
        self.stopping = False
        self._next_look = 0.0

    def work(self, tell: Callable[[Trial, str], None], show: Callable[[], None]) -> None:
        """Train all trials that are not finished. Raises Stopped where that was asked for."""
        if WORKER not in os.environ:
            begin_anew(self.sweep)
        asking, told = self.sweep.directory / INSIDE / STOP, 0
        with self.claims.alive(), Stop() as stop, self._no_process_left():
            while self.running or ((self.waiting or searching.wants_more(self.sweep)) and not stop.asked):
                stop.asked = max(stop.asked, int(asking.exists()))
                if stop.asked > told:
                    told, self.stopping = stop.asked, True
                    how = "save, then the sweep ends; once more: at once" if told == 1 else "end at once"
                    log.info("stopping: %d trials %s", len(self.running), how)
                    tell_all(self.running, signal.SIGTERM if told < 3 else signal.SIGKILL)
                self._collect(tell)
                if self.free and not stop.asked and self._begin(tell) and WORKER in os.environ:
                    log.info("others work on the %d trials that are left", len(self.waiting))
                    break  # whoever is queued again goes on with its own
                show()
                time.sleep(LOOK)
        if stop.asked:
            raise Stopped("the sweep was stopped; the same command goes on with it.")

    def _begin(self, tell: Callable[[Trial, str], None]) -> bool:
        """Begin trials where there is room; return whether all that are left are others' work."""
        if time.monotonic() < self._next_look:
            return False
        self._claim(self.waiting, tell)
        while self.free and (new := searching.extend(self.sweep)):
            self.waiting += new
            self._claim(new, tell)
        if not self.free:
            return False
        self._next_look = time.monotonic() + ELSEWHERE  # what is left is claimed by others
        return bool(self.waiting) and not self.running

    def _claim(self, trials: Sequence[Trial], tell: Callable[[Trial, str], None]) -> None:
        for trial in list(trials):
            if not self.free:
                return
            if self.claims.take(trial.key):
                self.waiting.remove(trial)
                self._start(trial, tell)

    def _start(self, trial: Trial, tell: Callable[[Trial, str], None]) -> None:
        again = trial.name in self.tries
        if states.is_done(self.sweep, trial) or (states.failure(self.sweep, trial) and not again):
            self.claims.release(trial.key)  # another process did it meanwhile
            return
        states.forget_failure(self.sweep, trial)
        slot = self.free.pop(0)
        search = self.sweep.search
        pruner = Pruner(self.sweep.directory, trial.name, search.pruner) if search.pruner != "none" else None
        train = functools.partial(self.train, pruner=pruner)
        process = slots.start(train, (*trial.words, *trial.flags), slot, self._log(trial))
        self.running.append(Running(trial, process, slot, self.tries.get(trial.name, 0)))
        self.claims.hand_over(trial.key, process.pid or os.getpid())
        tell(trial, "begins")

    def _collect(self, tell: Callable[[Trial, str], None]) -> None:
        for one in list(self.running):
            if one.process.is_alive():
                continue
            one.process.join()
            self.running.remove(one)
            self.free.append(one.slot)
            what = self._ended(one, one.process.exitcode or 0)
            self.claims.release(one.trial.key)
            tell(one.trial, what)

    def _ended(self, one: Running, status: int) -> str:
        if status == 0:
            return states.state(self.sweep, one.trial, self.claims).name
        stopped = status in (STOPPED, *BEFORE_ANY_STEP)
        if stopped and self.stopping:
            return "stopped"
        why = "it was stopped from outside" if stopped else states.reason(status, self._log(one.trial))
        if one.tries < self.retries:
            self.tries[one.trial.name] = one.tries + 1
            self.waiting.append(one.trial)
            return f"failed, and is tried again: {why}"
        self.failed[one.trial.name] = why
        with contextlib.suppress(OSError):  # a full disk is what ended it, perhaps
            states.note_failure(self.sweep, one.trial, why)
        return f"failed: {why}"

    def _log(self, trial: Trial) -> Path:
        return self.sweep.directory / INSIDE / f"{trial.key}.log"

    @contextlib.contextmanager
    def _no_process_left(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename or self.sweep.directory} cannot be written: {error.strerror}."
            raise UserError(f"{where} All trials were asked to save; the same command goes on with them.") from error
        finally:
            tell_all(self.running, signal.SIGTERM)
            for one in self.running:
                one.process.join()


def tell_all(running: Sequence[Running], number: int) -> None:
    """Send a signal to the process of each trial."""
    for one in running:
        with contextlib.suppress(ProcessLookupError):
            if one.process.pid is not None:
                os.kill(one.process.pid, number)
