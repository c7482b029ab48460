"""A callback that gives up a trial which is worse than others of its sweep were at the same step."""

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genctl.config.better import Better
from genctl.errors import Pruned
from genctl.sweeps import definition, states, studies
from genctl.sweeps.claims import Claims
from genctl.sweeps.outcomes import curve
from genctl.training.monitor import Monitor, measures

if TYPE_CHECKING:
    from genctl.training.run import Run


@dataclasses.dataclass(frozen=True)
class Pruner:
    """sweep: its directory; trial: the name of the one that runs here; kind: a setting sweep.pruner."""

    sweep: Path
    trial: str
    kind: str

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Within the block, a run that begins in this process is this trial."""
        token = _present.set(self)
        try:
            yield
        finally:
            _present.reset(token)


_present: contextvars.ContextVar[Pruner | None] = contextvars.ContextVar("pruner", default=None)


class Prune:
    """Asks after each measurement of what the run is monitored by; raises Pruned once it has saved."""

    def __init__(self, pruner: Pruner, metric: str, better: Better, every_steps: int) -> None:
        self.pruner, self.metric, self.better, self.every_steps = pruner, metric, better, every_steps

    def __call__(self, run: "Run") -> None:
        """Raises Pruned where the run is not worth finishing."""
        phase, pruner = run.phase_done, self.pruner
        if run.complete or phase != list(run.strategy.phases)[-1]:  # what comes before is preparation
            return
        sweep, claims = definition.load(pruner.sweep), Claims(pruner.sweep)
        trials = sweep.trials
        found = [states.state(sweep, trial, claims).name for trial in trials]
        curves = [
            curve(sweep.place(trial), state, self.metric, phase) for trial, state in zip(trials, found, strict=True)
        ]
        mine = [trial.name for trial in trials].index(pruner.trial)
        if not curves[mine].values or not studies.should_prune(pruner.kind, self.better, curves, mine, run.total):
            return
        run.save()
        raise Pruned(f"given up at step {run.step} of {run.total}: other trials of the sweep were better there")


def callbacks(watch: Monitor, others: Sequence[Any]) -> list[Prune]:
    """The callback that a trial of a sweep with a pruner has, at the turns of the one that measures its metric."""
    pruner = _present.get()
    if pruner is None or watch.name is None:
        return []
    every = next((one.every_steps for one in others if measures(one, watch.split)), 0)
    return [Prune(pruner, f"{watch.split}/{watch.name}", watch.better, every)]
