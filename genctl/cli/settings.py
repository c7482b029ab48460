"""Settings and their meanings, read from the YAML files themselves: the comment after a value is its meaning."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from genctl.cli.composition import Part
from genctl.config.printing import printable


@dataclasses.dataclass(frozen=True)
class Setting:
    """One key of a config. value: as written in the YAML, "" for a group of settings."""

    key: str
    value: str
    meaning: str


def collect(parts: Iterable[Part], folders: Sequence[Path]) -> list[Setting]:
    """Return the settings of a composed config; a later file replaces a value and keeps a meaning it does not give."""
    by_key: dict[str, Setting] = {}
    for part in parts:
        path = next(path for folder in folders if (path := folder / f"{part.name}.yaml").is_file())
        for setting in read(path.read_text(encoding="utf-8"), part.key):
            if any(setting.key == key or setting.key.startswith(f"{key}.") for key in part.left_out):
                continue
            earlier = by_key.get(setting.key, setting)
            by_key[setting.key] = Setting(setting.key, setting.value, setting.meaning or earlier.meaning)
    return list(by_key.values())


def read(text: str, key: str = "") -> Iterator[Setting]:
    """Yield the settings of one file whose content lands below `key`."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode):
        own = [(k, v) for k, v in root.value if key or k.value not in ("defaults", "hydra")]
        yield from _walk(own, f"{key}." if key else "", text)


def header(text: str) -> str:
    """Return the comment that a file starts with, without Hydra's own directives."""
    lines = re.match(r"(#.*\n)*", text)[0].splitlines()  # type: ignore[index]
    return " ".join(line.lstrip("# ") for line in lines if "@package" not in line)


def _walk(pairs: list[tuple[yaml.Node, yaml.Node]], prefix: str, text: str) -> Iterator[Setting]:
    for key, value in pairs:
        if key.value.startswith("_") or (key.value == "defaults" and isinstance(value, yaml.SequenceNode)):
            continue
        nested = isinstance(value, yaml.MappingNode) and bool(value.value) and not value.flow_style
        below = value.start_mark.line > key.end_mark.line
        meaning = _comment(text, key.end_mark.index + 1 if below else value.end_mark.index)
        written = "" if nested else " ".join(text[value.start_mark.index : value.end_mark.index].split())
        if meaning or not nested:
            yield Setting(*map(printable, (f"{prefix}{key.value}", written, meaning)))
        if nested:
            yield from _walk(value.value, f"{prefix}{key.value}.", text)


def _comment(text: str, index: int) -> str:
    line = text[index:].partition("\n")[0].strip()
    return line.lstrip("# ") if line.startswith("#") else ""
