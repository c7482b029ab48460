"""What a sweep shows: one table that lives on a terminal, and a line for each trial that begins or ends elsewhere."""

import collections
import logging
import statistics
import time
from collections.abc import Mapping

import rich.console
import rich.live
import rich.table

from genctl.config.printing import plain
from genctl.runs import records
from genctl.sweeps import states
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep, Trial
from genctl.sweeps.states import State

REFRESH = 1.0  # seconds between two looks at the files
MOST_ROWS = 30
log = logging.getLogger("genctl")


class View:
    """Use as a context; `tell` it what happens, and let it `show` now and then."""

    def __init__(self, sweep: Sweep, claims: Claims, console: rich.console.Console) -> None:
        self.sweep, self.claims, self.console = sweep, claims, console
        self.done = sum(states.is_done(sweep, trial) for trial in sweep.trials)
        self._live = (
            rich.live.Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self._began: dict[str, float] = {}
        self._shown = 0.0

    def __enter__(self) -> "View":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()

    def tell(self, trial: Trial, what: str) -> None:
        """Say in a line that a trial begins or what became of it."""
        if what == "begins":
            self._began[trial.name] = time.monotonic()
            return
        self.done += what in states.DONE
        seconds = time.monotonic() - self._began.get(trial.name, time.monotonic())
        best = states.state(self.sweep, trial, self.claims).best
        number = f", {best['metric']} {best['value']:.4g}" if best and what == states.FINISHED else ""
        log.info("[%d/%d] %s %s after %.0f s%s", self.done, self.sweep.size, trial.name, what, seconds, number)

    def show(self) -> None:
        """Draw the table anew, once in a while."""
        if self._live and time.monotonic() - self._shown > REFRESH:
            self._shown = time.monotonic()
            self._live.update(self._table(), refresh=True)

    def _table(self) -> rich.table.Table:
        by_trial = {trial.name: states.state(self.sweep, trial, self.claims) for trial in self.sweep.trials}
        return as_table(by_trial, f"{self.done} of {self.sweep.size} trials done", MOST_ROWS)


def as_table(by_trial: Mapping[str, State], title: str | None = None, most: int | None = None) -> rich.table.Table:
    """Trials by state: those that run first, then those that failed or stopped."""
    order = (states.RUNNING, states.FAILED, states.STOPPED, states.FINISHED, states.PRUNED, states.MISSING)
    rows = sorted(by_trial.items(), key=lambda item: order.index(item[1].name))
    table = rich.table.Table(title=title, title_justify="left")
    for head in ("trial", "state", "step", "newest"):
        table.add_column(head)
    for name, state in rows[:most]:
        newest = state.why or states.losses(state.latest)
        table.add_row(*map(plain, (name, state.name, str(state.step or ""), newest)))
    if most and len(rows) > most:
        table.add_row(plain(f"and {len(rows) - most} more"))
    return table


def describe(sweep: Sweep, by_trial: Mapping[str, State]) -> list[str]:
    """How many trials are in which state, why some failed, and how long the others take as those that are finished."""
    counts = collections.Counter(state.name for state in by_trial.values())
    counts[states.MISSING] += sweep.size - len(by_trial)
    lines = [f"{sweep.directory}: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)]
    lines += [f"  {name} failed: {state.why}" for name, state in by_trial.items() if state.name == states.FAILED]
    done = [trial for trial in sweep.trials if by_trial[trial.name].name == states.FINISHED]
    seconds = [summary.seconds for trial in done if (summary := records.read_summary(sweep.place(trial)))]
    left = counts[states.RUNNING] + counts[states.STOPPED] + counts[states.MISSING]
    if counts[states.RUNNING] and seconds:
        rest = duration(left * statistics.mean(seconds) / counts[states.RUNNING])
        lines.append(f"  about {rest} left, by the trials that are finished")
    return lines


def duration(seconds: float) -> str:
    """A length of time, in a unit that suits it."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
