"""`genctl runs delete DIR`: what goes is shown and asked for first; what is no run stays."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from genctl.cli.mistakes import short
from genctl.cli.verbs import runs_table
from genctl.config import files
from genctl.config.printing import plain
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.sweeps import definition
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import Trial


def delete(places: Sequence[str], yes: bool, console: Console) -> None:
    """Delete the runs at or below some places, and the sweeps of which no trial is left. yes: ask nothing.

    Raises UserError, before anything is deleted, where a place holds no run, where one trains, and where nobody can be
    asked.
    """
    if not places:
        raise UserError("genctl runs delete needs the directories of the runs that are to go.")
    given = [_place(place) for place in places]
    runs = list(dict.fromkeys(run for place in given for run in _runs(place)))
    sweeps = [sweep for sweep in _sweeps(given, runs) if not _left(sweep, runs)]
    _refuse_running(runs, sweeps)
    if not yes and not sys.stdin.isatty():
        raise UserError("genctl runs delete asks first, and there is no terminal to ask at: add yes=true.")
    runs_table.show(runs, console)
    for sweep in sweeps:
        console.print(plain(f"all of the sweep {short(sweep)}"))
    if not yes and not _confirmed(console):
        console.print("nothing is deleted.")
        return
    guards = [rundir.lock(run) for run in runs]  # none of them begins to train meanwhile
    for run in runs:
        _remove_run(run)
    for sweep in sweeps:
        _remove_sweep(sweep, console)
    for guard in guards:
        guard.release()
    console.print(plain(f"{len(runs)} runs are deleted."))


def _place(text: str) -> Path:
    """A directory that was named. Raises UserError for what is none, and for a link, behind which is something else."""
    path = files.given(text, "places")
    if path.is_symlink():
        raise UserError(f"{path} is a link: name the directory that it leads to, {path.resolve()}.")
    if not path.is_dir():
        raise UserError(f"{path} is no directory, so it holds no run.")
    if not _runs(path) and not (path / definition.FILE).is_file():
        raise UserError(f"{path} is no run and holds none: a run has a {rundir.CONFIG} and a {rundir.PROVENANCE}.")
    return path.resolve()


def _runs(place: Path) -> list[Path]:
    """The directories of runs at or below a place, in an order in which one stands before what lies in it."""
    found = [Path(folder) for folder, _, names in os.walk(place) if {rundir.CONFIG, rundir.PROVENANCE} <= {*names}]
    return sorted(found)


def _sweeps(places: Sequence[Path], runs: Sequence[Path]) -> list[Path]:
    """The sweeps that were named, and those that runs are of."""
    return [path for path in dict.fromkeys([*places, *_above(runs)]) if (path / definition.FILE).is_file()]


def _above(runs: Sequence[Path]) -> list[Path]:
    """The directories that may be of a sweep: a fold is in that of its combination."""
    return [parent for run in runs for parent in run.parents[:2]]


def _left(sweep: Path, runs: Sequence[Path]) -> list[Path]:
    """The runs of a sweep that stay."""
    return [run for run in _runs(sweep) if run not in runs]


def _refuse_running(runs: Sequence[Path], sweeps: Sequence[Path]) -> None:
    for run in runs:
        if rundir.is_locked(run):
            raise UserError(f"{short(run)} trains now, so nothing is deleted: stop it first.")
    for sweep in dict.fromkeys([*sweeps, *_sweeps((), runs)]):
        trials, claims = definition.read(sweep)["trials"], Claims(sweep)
        for trial in trials:
            if claims.owner(Trial(trial).key) and (sweep in sweeps or sweep / trial in runs):
                raise UserError(
                    f"{short(sweep / trial)} trains now, so nothing is deleted: genctl sweep stop {short(sweep)}"
                )


def _confirmed(console: Console) -> bool:
    try:
        return Confirm.ask("delete them?", default=False, console=console)
    except EOFError:
        return False


def _remove_run(run: Path) -> None:
    """What makes it a run goes last, so that one that is half deleted can be deleted again."""
    last = (rundir.CONFIG, rundir.PROVENANCE)
    for path in run.iterdir() if run.exists() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in last:
            path.unlink()
    shutil.rmtree(run, ignore_errors=not run.exists())


def _remove_sweep(sweep: Path, console: Console) -> None:
    """Remove what a sweep has beside its runs. What else lies there stays."""
    for trial in definition.read(sweep)["trials"]:
        place = sweep / trial
        if place.resolve() != place:
            continue  # a link leads elsewhere
        if place.is_dir() and not rundir.others(place):  # it ended before its first step
            shutil.rmtree(place)
        if place.parent != sweep and place.parent.is_dir() and not any(place.parent.iterdir()):
            place.parent.rmdir()  # a combination of which all folds are gone
    shutil.rmtree(sweep / definition.INSIDE, ignore_errors=True)
    for name in (definition.LEADERBOARD, definition.FILE):
        (sweep / name).unlink(missing_ok=True)
    if any(sweep.iterdir()):
        console.print(plain(f"{short(sweep)} stays, since it holds what is no run."))
    else:
        sweep.rmdir()
