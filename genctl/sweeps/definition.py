"""A sweep: the trials that a command names, and the directory that keeps what was asked for."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import yaml

from genctl.config import files
from genctl.config.signatures import check_settings, shown
from genctl.errors import UserError
from genctl.runs import rundir

FILE, INSIDE = "sweep.yaml", ".sweep"  # what was asked for; claims and failures, in a folder that no run has
LEADERBOARD = "leaderboard.csv"
STOP = "stop"  # a file in there, which asks all who work on the sweep to stop
HASH = 8  # digits of a name


@dataclasses.dataclass(frozen=True)
class Trial:
    """One run of a sweep. name: of its directory; words: its settings, as one would type them; flags: all else."""

    name: str
    words: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sweep:
    """fixed: the words of all trials, by key; swept: the values of each key that varies, as one would type them."""

    directory: Path
    fixed: Mapping[str, str]
    swept: Mapping[str, Sequence[str]]
    trials: Sequence[Trial]

    def place(self, trial: Trial) -> Path:
        """The run's directory."""
        return self.directory / trial.name


class Stored(TypedDict):
    """What sweep.yaml holds."""

    fixed: dict[str, str]
    swept: dict[str, list[str]]
    trials: list[str]


def default_name(fixed: Mapping[str, str], swept: Mapping[str, Any]) -> str:
    """What varies, and a mark of all else: the same for the same command, also where it names more values."""
    text = repr(sorted(fixed.items()))
    keys = "_".join(key.rpartition(".")[2] for key in swept)
    return f"sweep-{keys[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:HASH]}"


def store(sweep: Sweep) -> None:
    """Write what is asked for, and keep the values that were asked for before.

    Raises UserError where the directory holds another sweep, or something else.
    """
    path = sweep.directory / FILE
    swept, trials = {key: list(values) for key, values in sweep.swept.items()}, [trial.name for trial in sweep.trials]
    if path.exists():
        before = read(sweep.directory)
        _check_same(sweep, before)
        swept = {key: list(dict.fromkeys([*before["swept"][key], *values])) for key, values in swept.items()}
        trials = list(dict.fromkeys([*before["trials"], *trials]))
    elif sweep.directory.is_dir() and any(sweep.directory.iterdir()) and not (sweep.directory / INSIDE).is_dir():
        raise UserError(f"{sweep.directory} holds something, and no {FILE}: choose another sweep.name=…")
    (sweep.directory / INSIDE).mkdir(parents=True, exist_ok=True)
    rundir.write(path, yaml.safe_dump({"fixed": dict(sweep.fixed), "swept": swept, "trials": trials}, sort_keys=False))


def read(directory: Path) -> Stored:
    """What a sweep was asked for. Raises UserError for a directory that is none, and for a file that is damaged."""
    path = directory / FILE
    if not path.exists():
        raise UserError(f"{directory} is no sweep: it has no {FILE}.")
    stored: Any = files.read_yaml(path)
    mend = "it was changed by hand. Delete it, and the command that began the sweep writes it anew."
    if not isinstance(stored, dict):
        raise UserError(f"{path} holds no settings: {mend}")
    try:
        check_settings(Stored, stored, str(path))
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix(f'{path}: ').rstrip('.')}: {mend}") from error
    if outside := [name for name in stored["trials"] if not name or name.startswith(".") or "/" in name]:
        raise UserError(f"{path}: {shown(outside[0])} cannot be a trial's name, which is that of a directory: {mend}")
    return Stored(fixed=stored["fixed"], swept=stored["swept"], trials=stored["trials"])


def _check_same(sweep: Sweep, before: Stored) -> None:
    changed = [
        f"{key}: {before['fixed'].get(key, 'not set')} -> {sweep.fixed.get(key, 'not set')}"
        for key in dict.fromkeys([*before["fixed"], *sweep.fixed])
        if before["fixed"].get(key) != sweep.fixed.get(key)
    ]
    if set(before["swept"]) != set(sweep.swept):
        changed.append(f"what varies: {', '.join(before['swept'])} -> {', '.join(sweep.swept)}")
    if changed:
        lines = "\n  ".join(changed)
        raise UserError(
            f"{sweep.directory} was begun with other settings:\n  {lines}\nChoose another sweep.name=…, or give the "
            "settings that it has; with more values it grows."
        )
