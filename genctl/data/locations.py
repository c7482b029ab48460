"""The paths that a user gives for a data set, and the names of files in messages."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from genctl.config.printing import printable
from genctl.errors import UserError, did_you_mean

_LONGEST = 300  # characters of a path that a message shows
_NEIGHBOURS = 1000  # files beside a path that are looked at for one with nearly its name


def shown(name: str | Path) -> str:
    """A name as one line of text: what is no character of UTF-8, and all that moves a cursor, as its escape."""
    text = printable(str(name)).replace("\n", "\\n").replace("\t", "\\t")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


def given_path(path: str | None, dataset: str, example: str) -> Path:
    """Return an existing path; UserError where none is given or nothing can be there.

    dataset: the name of the config that wants it. example: what a good value looks like.
    """
    if not path:
        raise UserError(f"dataset={dataset} needs dataset.path=..., such as dataset.path={example}.")
    try:
        there = Path(path).expanduser()
        there.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        near = did_you_mean(there.name, map(shown, _beside(there)))
        place = shown(there.absolute())
        raise UserError(f"dataset.path={shown(path)} does not exist (looked at {place}).{near}") from error
    except (OSError, ValueError, RuntimeError) as error:  # a null character in it; no home directory
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UserError(f"dataset.path={shown(path)} cannot be read: {reason}.") from error
    return there


@contextlib.contextmanager
def in_words_of(name: str, place: str | None = None) -> Iterator[None]:
    """Loaders speak of settings of `genctl train`; a verb has only one, `name`, for what it reads.

    place: the value of that setting, with which a message then begins. Raises UserError with the words exchanged.
    """
    try:
        yield
    except UserError as error:
        text = str(error).replace("dataset.path", name).replace(", or set dataset.skip_bad=true", "")
        text = text.replace(", or leave them out with dataset.skip_bad=true", "")
        text = text.replace("with dataset.images_key=...", "by the name images")
        beginning = "" if place is None or text.startswith(f"{name}=") else f"{name}={place}: "
        raise UserError(beginning + text) from error


def _beside(path: Path) -> list[str]:
    try:
        with os.scandir(path.parent) as entries:
            return sorted(entry.name for entry in itertools.islice(entries, _NEIGHBOURS))
    except OSError:
        return []
