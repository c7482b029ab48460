"""`genctl sweep status DIR` and `genctl sweep stop DIR`: sweeps, seen from another terminal or another machine."""

import collections

from rich.console import Console

from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.printing import plain
from genctl.errors import UserError, did_you_mean
from genctl.sweeps import definition, slurm, states
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep, Trial
from genctl.sweeps.view import as_table


def sweep(invocation: Invocation, words: list[str]) -> None:
    """Show the trials of a sweep by state, or ask all who work on it to stop.

    Raises UserError for a directory that is no sweep, and for other words.
    """
    actions = {"status": _show, "stop": _stop}
    if len(words) != 2 or words[0] not in actions:
        guess = did_you_mean(words[0], actions) if words else ""
        raise UserError(f"genctl sweep takes status or stop, and the directory of a sweep.{guess}")
    directory = files.given(words[1], "the sweep")
    trials = [Trial(name) for name in definition.read(directory)["trials"]]
    actions[words[0]](Sweep(directory, {}, {}, trials), Claims(directory), Console())


def _show(wanted: Sweep, claims: Claims, console: Console) -> None:
    by_trial = {trial.name: states.state(wanted, trial, claims) for trial in wanted.trials}
    console.print(as_table(by_trial))
    counts = collections.Counter(state.name for state in by_trial.values())
    console.print(plain(f"{wanted.directory}: " + ", ".join(f"{count} {name}" for name, count in counts.items())))
    for trial in wanted.trials:
        if owner := claims.owner(trial.name):
            seconds = claims.silence(trial.name)
            where = f"process {owner['process']} on {owner['host']}, last sign of life {seconds:.0f} s ago"
            console.print(plain(f"  {trial.name}: {where}"))


def _stop(wanted: Sweep, claims: Claims, console: Console) -> None:
    running = [trial.name for trial in wanted.trials if claims.owner(trial.name)]
    queued = slurm.was_used(wanted)
    if not running and not queued:
        raise UserError(f"{wanted.directory}: no trial is running.")
    (wanted.directory / definition.INSIDE / definition.STOP).touch()
    more = " Workers that wait in a queue end when they begin." if queued else ""
    console.print(plain(f"{wanted.directory}: {len(running)} trials are asked to save and end.{more}"))
