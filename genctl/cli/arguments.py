"""The words of a command line: a verb, settings and flags, in any order."""

import collections
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from genctl.errors import UserError, did_you_mean


@dataclasses.dataclass(frozen=True)
class Flag:
    """A flag: its names, its meaning, and what it takes (one of `choices`, or a word described by `value`)."""

    names: tuple[str, ...]
    meaning: str
    value: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None

    @property
    def name(self) -> str:
        """The long name."""
        return self.names[-1]


INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
FLAGS = (
    Flag(("-h", "--help"), "show help; with a verb, its settings"),
    Flag(("-V", "--version"), "show the version"),
    Flag(("-m", "--multirun"), "run every combination of values, such as model=ae,vae seed=1,2"),
    Flag(
        ("-c", "--cfg"),
        "show the config and run nothing; job is the part that is not Hydra's",
        "",
        ("job", "hydra", "all"),
    ),
    Flag(("--resolve",), "with --cfg: replace each ${...} by its value"),
    Flag(("-p", "--package"), "with --cfg: show this part alone, such as model", "KEY"),
    Flag(("-i", "--info"), f"show how the config is found and composed: {', '.join(INFO)}", "[PART]", INFO, "all"),
    Flag(("-cd", "--config-dir"), "another directory of configs; so are ./configs and $GENCTL_CONFIG_PATH", "DIR"),
)
BY_NAME = {name: flag for flag in FLAGS for name in flag.names}


@dataclasses.dataclass
class Arguments:
    """A command line, sorted. flags: long name -> the values given; unknown: (flag, value) pairs that do not exist."""

    words: list[str] = dataclasses.field(default_factory=list)
    flags: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    unknown: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    @property
    def verb(self) -> str | None:
        """The first word that is not a flag."""
        return self.words[0] if self.words else None

    @property
    def overrides(self) -> list[str]:
        """The other words that are not flags."""
        return self.words[1:]

    def hydra(self) -> list[str]:
        """Return the flags as Hydra takes them, which are all but those that genctl answers itself."""
        passed = ("--multirun", "--cfg", "--resolve", "--package", "--info")
        given = [(name, values[-1]) for name, values in self.flags.items() if name in passed]
        return [f"{name}={value}" if value else name for name, value in given]


def parse(words: list[str]) -> Arguments:
    """Sort the words of a command line. Raises UserError where flags do not fit together."""
    arguments = Arguments()
    queue = collections.deque(words)
    while queue:
        word = queue.popleft()
        if not word.startswith("-"):
            arguments.words.append(word)
            continue
        name, equals, value = word.partition("=")
        flag = BY_NAME.get(name)
        if flag is None:
            plain = not equals and bool(queue) and not queue[0].startswith("-") and "=" not in queue[0]
            arguments.unknown.append((name, queue.popleft() if plain else value))
        else:
            arguments.flags.setdefault(flag.name, []).append(_value(flag, name, value if equals else None, queue))
    _check(arguments)
    return arguments


def gather(words: Sequence[str], key: str) -> list[str]:
    """Turn words that are no settings into one setting: `a b by=x` into `runs=['a','b'] by=x` for the key `runs`."""
    places = [word for word in words if "=" not in word or Path(word).is_dir()]
    listed = ",".join(quoted(place) for place in places)
    return [*([f"{key}=[{listed}]"] if places else []), *(word for word in words if word not in places)]


def quoted(text: str) -> str:
    """Write a text so that Hydra's grammar reads it as it is."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _value(flag: Flag, name: str, value: str | None, queue: collections.deque[str]) -> str:
    if not flag.value and not flag.choices:
        if value is not None:
            raise UserError(f"{name} takes no value, but got '{value}'.")
        return ""
    if value is None and flag.default is not None and not (queue and queue[0] in flag.choices):
        return flag.default
    if value is None and queue:
        value = queue.popleft()
    if flag.choices and value not in flag.choices:
        got = f", but got '{value}'.{did_you_mean(value, flag.choices)}" if value else "."
        raise UserError(f"{name} takes one of {', '.join(flag.choices)}{got}")
    if not value:
        raise UserError(f"{name} needs a value: {name} {flag.value}.")
    return value


def _check(arguments: Arguments) -> None:
    modes = [name for name in ("--multirun", "--cfg", "--info") if name in arguments.flags]
    if len(modes) > 1:
        raise UserError(f"{' and '.join(modes)} exclude each other: leave one of them out.")
    for name in ("--resolve", "--package"):
        if name in arguments.flags and "--cfg" not in arguments.flags:
            raise UserError(f"{name} goes with --cfg: add --cfg job.")
