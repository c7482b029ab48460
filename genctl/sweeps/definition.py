"""A sweep: the trials that a command names, and the directory that keeps what was asked for."""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import yaml

from genctl.config import files
from genctl.config.better import Better
from genctl.config.signatures import check_settings, shown
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.sweeps.space import Dimension, Interval, described

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

    @property
    def key(self) -> str:
        """The name as one part of a path: a fold is in a directory of its combination."""
        return self.name.replace("/", "+")


@dataclasses.dataclass(frozen=True)
class Combination:
    """values: of the settings that vary, as one would type them; trials: one, or one for each fold.

    notes: what the sampler that proposed it wants to be told again.
    """

    values: Mapping[str, str]
    trials: Sequence[Trial]
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Search:
    """How combinations are chosen, compared, and given up early.

    method: grid for all of them, or the sampler. metrics: what they are compared by; none: what each run is monitored
    by. better: which values of each metric are. pruner: what ends a run that is worse than others at the same step.
    seed: of the sampler. size: how many combinations there are to be, which may grow; of a grid, those it has.
    """

    method: str = "grid"
    metrics: Sequence[str] = ()
    better: Sequence[Better] = ()
    pruner: str = "none"
    seed: int = 0
    size: int = 0


@dataclasses.dataclass(frozen=True)
class Sweep:
    """fixed: the words of all trials, by key; swept: the values of each key that varies, or its interval.

    combinations: those that are known, to which a search adds. make: the trials of a combination's values.
    """

    directory: Path
    fixed: Mapping[str, str]
    swept: Mapping[str, Dimension]
    combinations: list[Combination]
    search: Search = Search()
    make: Callable[[Mapping[str, str]], list[Trial]] = lambda values: []

    @property
    def trials(self) -> list[Trial]:
        """Those that are known, each once."""
        return list(dict.fromkeys(trial for combination in self.combinations for trial in combination.trials))

    @property
    def size(self) -> int:
        """How many trials there are to be, those included that a search has not proposed yet."""
        some = self.combinations[0].trials if self.combinations else self.make(dict.fromkeys(self.swept, ""))
        return self.search.size * len(some)

    def place(self, trial: Trial) -> Path:
        """The run's directory."""
        return self.directory / trial.name


class Asked(TypedDict):
    """The search, and how many trials there are to be."""

    method: str
    metrics: list[str]
    better: list[Better]
    pruner: str
    seed: int
    trials: int


class Stored(TypedDict):
    """What sweep.yaml holds."""

    fixed: dict[str, str]
    swept: dict[str, list[str]]
    search: dict[str, Any]
    trials: list[str]


def default_name(fixed: Mapping[str, str], swept: Mapping[str, Any]) -> str:
    """What varies, and a mark of all else: the same for the same command, also where it names more values."""
    text = repr(sorted(fixed.items()))
    keys = "_".join(key.rpartition(".")[2] for key in swept)
    return f"sweep-{keys[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:HASH]}"


def store(sweep: Sweep) -> None:
    """Write what is asked for, and keep the values and the trials that were asked for before.

    Raises UserError where the directory holds another sweep, or something else.
    """
    path = sweep.directory / FILE
    swept, trials = {key: described(values) for key, values in sweep.swept.items()}, [one.name for one in sweep.trials]
    if path.exists():
        before = read(sweep.directory)
        _check_same(sweep, before)
        swept = {key: list(dict.fromkeys([*before["swept"][key], *values])) for key, values in swept.items()}
        trials = list(dict.fromkeys([*before["trials"], *trials]))
    elif sweep.directory.is_dir() and any(sweep.directory.iterdir()) and not (sweep.directory / INSIDE).is_dir():
        raise UserError(f"{sweep.directory} holds something, and no {FILE}: choose another sweep.name=…")
    (sweep.directory / INSIDE).mkdir(parents=True, exist_ok=True)
    search = {**_asked(sweep.search), "trials": sweep.size}
    stored = Stored(fixed=dict(sweep.fixed), swept=swept, search=search, trials=trials)
    rundir.write(path, yaml.safe_dump(dict(stored), sort_keys=False))


def _asked(search: Search) -> dict[str, Any]:
    """What numbers of another sweep could not stand beside; how many trials there are to be may grow."""
    asked = dataclasses.asdict(search)
    del asked["size"]
    return {key: list(value) if isinstance(value, list | tuple) else value for key, value in asked.items()}


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
        check_settings(Asked, stored["search"], f"{path}: search")
    except UserError as error:
        place = "" if str(error).startswith(str(path)) else f"{path}: "
        raise UserError(f"{place}{str(error).rstrip('.')}: {mend}") from error
    if outside := [name for name in stored["trials"] if not re.fullmatch(r"[^/.][^/]*(/[^/.][^/]*)?", name)]:
        raise UserError(f"{path}: {shown(outside[0])} cannot be a trial's name, which is that of a directory: {mend}")
    return Stored(fixed=stored["fixed"], swept=stored["swept"], search=stored["search"], trials=stored["trials"])


def load(directory: Path) -> Sweep:
    """A sweep as those see it who only look: its trials. Raises UserError for a directory that is none."""
    stored = read(directory)
    trials = [Combination({}, [Trial(name)]) for name in stored["trials"]]
    return Sweep(directory, {}, {}, trials, Search(size=max(len(trials), stored["search"]["trials"])))


def _check_same(sweep: Sweep, before: Stored) -> None:
    now, then = {**sweep.fixed, **_prefixed(_asked(sweep.search))}, {**before["fixed"], **_prefixed(before["search"])}
    changed = [
        f"{key}: {then.get(key, 'not set')} -> {now.get(key, 'not set')}"
        for key in dict.fromkeys([*then, *now])
        if then.get(key) != now.get(key)
    ]
    changed += [
        f"{key}: {before['swept'][key][0]} -> {dimension}"
        for key, dimension in sweep.swept.items()
        if isinstance(dimension, Interval) and before["swept"].get(key, [str(dimension)]) != [str(dimension)]
    ]
    if set(before["swept"]) != set(sweep.swept):
        changed.append(f"what varies: {', '.join(before['swept'])} -> {', '.join(sweep.swept)}")
    if changed:
        lines = "\n  ".join(changed)
        raise UserError(
            f"{sweep.directory} was begun with other settings:\n  {lines}\nChoose another sweep.name=…, or give the "
            "settings that it has; with more values it grows."
        )


def _prefixed(search: Mapping[str, Any]) -> dict[str, Any]:
    return {f"sweep.{key}": value for key, value in search.items() if key != "trials"}
