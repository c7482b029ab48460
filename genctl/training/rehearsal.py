"""What a run is going to take, by a few steps of each of its phases and a turn or two of each callback."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from genctl.training.callbacks import Callback

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import Strategy
    from genctl.training.run import Run

MOST_STEPS = 300  # of a phase
MOST_SECONDS = 3.0  # for these, behind the first step, which compiles
MOST_REPEATED = 10.0  # seconds of a callback's turn that is worth a second one


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A phase of a run: its first step, and the one behind it."""

    phase: str
    first: int
    end: int


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """What a stretch was seen to take. players: who moves in it. start: seconds of its first step, which compiles.

    step: seconds of each of the others.
    """

    stretch: Stretch
    players: list[str]
    start: float
    step: float

    @property
    def seconds(self) -> float:
        """Of the whole stretch."""
        return self.start + self.step * (self.stretch.end - self.stretch.first - 1)


def stretches(strategy: "Strategy", total: int) -> list[Stretch]:
    """The phases that have a step in a run of so many."""
    bounds = [0, *(end for end in strategy.phase_ends() if end < total), total]
    return [
        Stretch(strategy.phase(first), first, end)
        for first, end in zip(bounds, bounds[1:], strict=False)
        if first < end
    ]


def rehearse(run: "Run") -> Iterator[Rehearsed]:
    """Take a few steps of each phase, with weights that are of no use after that. Raises NonFinite."""
    from genctl.strategies.players.player import GRADIENT_NORM  # it brings TensorFlow

    for stretch in stretches(run.strategy, run.total):
        run.step = stretch.first
        start, _ = _advance(run, stretch.first + 1)
        last, most, step = min(stretch.end, stretch.first + MOST_STEPS), 0, 0.0
        began = time.perf_counter()
        while run.step < last and time.perf_counter() - began < MOST_SECONDS:
            seconds, done = _advance(run, last)
            if done > most:  # long calls tell more, and the run's own are long
                most, step = done, seconds / done
        moved = [
            name.removeprefix(GRADIENT_NORM) for name in run.averages[stretch.phase].names if GRADIENT_NORM in name
        ]
        yield Rehearsed(stretch, moved, start, step)


def _advance(run: "Run", due: int) -> tuple[float, int]:
    """Seconds and steps of one call."""
    began, before = time.perf_counter(), run.step
    run.advance(due)
    return time.perf_counter() - began, run.step - before


def turns(run: "Run", callbacks: Sequence[Callback]) -> float:
    """Seconds that callbacks take in the whole run, by the moment that it is at."""
    seconds = 0.0
    for callback in callbacks:
        every = getattr(callback, "every_steps", 0)
        count = run.total // every if every else 0
        if count or getattr(callback, "at_end", False):
            first = _turn(callback, run)
            again = _turn(callback, run) if count > 1 and first < MOST_REPEATED else first
            seconds += first + again * max(0, count - 1)
    return seconds


def _turn(callback: Callback, run: "Run") -> float:
    began = time.perf_counter()
    callback(run)
    return time.perf_counter() - began
