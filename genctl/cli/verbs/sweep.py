"""`genctl sweep status DIR` and `genctl sweep stop DIR`: sweeps, seen from another terminal or another machine."""

from rich.console import Console

from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.printing import plain
from genctl.errors import UserError, did_you_mean
from genctl.sweeps import definition, states
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Sweep
from genctl.sweeps.view import as_table, describe


def sweep(invocation: Invocation, words: list[str]) -> None:
    """Show the trials of a sweep by state, or ask all who work on it to stop.

    Raises UserError for a directory that is no sweep, and for other words.
    """
    actions = {"status": _show, "stop": _stop}
    if len(words) != 2 or words[0] not in actions:
        guess = did_you_mean(words[0], actions) if words else ""
        raise UserError(f"genctl sweep takes status or stop, and the directory of a sweep.{guess}")
    directory = files.given(words[1], "the sweep")
    actions[words[0]](definition.load(directory), Claims(directory), Console())


def _show(wanted: Sweep, claims: Claims, console: Console) -> None:
    by_trial = {trial.name: states.state(wanted, trial, claims) for trial in wanted.trials}
    console.print(as_table(by_trial))
    console.print(plain("\n".join(describe(wanted, by_trial))))
    for trial in wanted.trials:
        if owner := claims.owner(trial.key):
            seconds = claims.silence(trial.key)
            where = f"process {owner['process']} on {owner['host']}, last sign of life {seconds:.0f} s ago"
            console.print(plain(f"  {trial.name}: {where}"))


def _stop(wanted: Sweep, claims: Claims, console: Console) -> None:
    running = [trial.name for trial in wanted.trials if claims.owner(trial.key)]
    if not running:
        raise UserError(f"{wanted.directory}: no trial is running.")
    (wanted.directory / definition.INSIDE / definition.STOP).touch()
    console.print(plain(f"{wanted.directory}: {len(running)} trials are asked to save and end."))
