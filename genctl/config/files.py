"""Files that may come from strangers: only regular ones of a limited size are opened, and YAML expands in bounds."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from genctl.errors import UserError

TEXT_BYTES = 2**24  # of a file of text: a config takes kilobytes, evaluations of a long run some megabytes
YAML_NODES = 100_000  # values of a YAML file, each alias counted as what it stands for
KINDS: dict[str, Callable[[int], bool]] = {
    "a folder": stat.S_ISDIR,
    "a link": stat.S_ISLNK,
    "a pipe": stat.S_ISFIFO,
    "a socket": stat.S_ISSOCK,
    "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}
Parsed = TypeVar("Parsed")


def regular(path: Path, most_bytes: int | None = None) -> Path:
    """Return the path of a regular file, which can be read without waiting for another program, and to its end.

    most_bytes: the largest size that is accepted; None: any. Raises UserError for a pipe, a device, a folder, a file
    that is larger, not there, or not readable.
    """
    try:
        state = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if not stat.S_ISREG(state.st_mode):
        raise UserError(
            f"{path} is {_kind(state.st_mode)}, and a file is expected there: replace it by a regular file."
        )
    if most_bytes is not None and state.st_size > most_bytes:
        raise UserError(f"{path} has {state.st_size:,} bytes, more than the {most_bytes:,} that such a file may have.")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} cannot be read: Permission denied.")
    return path


def given(text: str, key: str) -> Path:
    """The path that the setting `key` gives, ~ being the home directory. Raises UserError for what can be no path."""
    try:
        path = Path(text).expanduser()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # whether something must be there is for the caller to say
    except (OSError, ValueError, RuntimeError) as error:  # too long; a null character; no home directory
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UserError(f"{key}={text[:100]} is no path: {reason}.") from error
    if not text:
        raise UserError(f"{key} is empty: give a path.")
    return path


def aside(path: Path) -> Path:
    """Where a file is written before it takes its place by a rename: hidden, so that no file of the user's is there."""
    return path.with_name(f".{path.name}.tmp")


def is_regular(path: Path) -> bool:
    """Whether a regular file lies there; False for what cannot be looked at."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def check_tree(root: Path) -> None:
    """Raise UserError for anything below a folder but files and folders.

    A link could lead what is read or written there to any other place, and a pipe would be waited for without end.
    """
    for folder, below, names in os.walk(root, onerror=_unreadable):
        for name in (*below, *names):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise UserError(f"{path} is {_kind(mode)}, which nothing is read from or written to: remove it.")


def _unreadable(error: OSError) -> None:
    raise UserError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _kind(mode: int) -> str:
    return next((kind for kind, matches in KINDS.items() if matches(mode)), "something else")


def read_text(path: Path) -> str:
    """The text of a regular file of at most TEXT_BYTES in UTF-8. Raises UserError where it is no such file."""
    try:
        return regular(path, TEXT_BYTES).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises UserError where it is damaged."""
    return _parsed(path, json.loads)


def read_yaml(path: Path) -> Any:
    """What a YAML file holds: plain types, `${…}` as the text that it is. Raises UserError where it is damaged.

    A few lines of YAML can stand for billions of values by aliases of aliases: more than YAML_NODES are refused.
    """
    return _parsed(path, _load_yaml)


def check_yaml(path: Path) -> None:
    """Raise UserError for a YAML file that must not be read at all: one that is no regular file, or expands at will.

    Of other mistakes in it nothing is said: they are left to what reads it.
    """
    text = regular(path, TEXT_BYTES).read_text(encoding="utf-8", errors="replace")
    try:
        _check_expansion(yaml.compose(text, yaml.SafeLoader))
    except RecursionError as error:
        raise UserError(f"{path} cannot be read: its values are nested too deeply.") from error
    except yaml.YAMLError:
        return
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def count_nodes(node: yaml.Node | None) -> int:
    """How many values a composed YAML document stands for, each alias counted as what it stands for."""
    counts: dict[int, int] = {}

    def count(one: yaml.Node) -> int:
        if id(one) not in counts:
            counts[id(one)] = YAML_NODES + 1  # until it is known: an alias of what it stands in has no end
            below = one.value if isinstance(one, yaml.CollectionNode) else []
            parts = [part for pair in below for part in pair] if isinstance(one, yaml.MappingNode) else below
            counts[id(one)] = 1 + sum(map(count, parts))
        return counts[id(one)]

    return count(node) if node is not None else 0


def _check_expansion(node: yaml.Node | None) -> None:
    if (nodes := count_nodes(node)) > YAML_NODES:
        raise ValueError(f"its aliases stand for {nodes:,} values, and {YAML_NODES:,} are the most")


def _load_yaml(text: str) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        _check_expansion(node)
        return loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()


def _parsed(path: Path, parse: Callable[[str], Parsed]) -> Parsed:
    text = read_text(path)
    try:
        return parse(text)
    except RecursionError as error:
        raise UserError(f"{path} cannot be read: its values are nested too deeply.") from error
    except (ValueError, yaml.YAMLError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} cannot be read: {reason}.") from error
