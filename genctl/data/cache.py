"""The user's cache: files are made once, under a lock, and appear only when they are whole."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock

from genctl.errors import UserError


def cache_path(*parts: str) -> Path:
    """Return a path in the user's cache directory."""
    return Path(platformdirs.user_cache_dir("genctl"), *parts)


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return `path`; where nothing is there, `make(part)` first fills another path beside it, which is then renamed.

    Of several processes one makes it and the others wait. Whatever ends `make` early, nothing partial stays.
    Raises UserError where the cache cannot be written.
    """
    if path.exists():
        return path
    with _writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock")):
            if not path.exists():
                _make(path, make)
    return path


def _make(path: Path, make: Callable[[Path], None]) -> None:
    part = path.with_name(path.name + ".part")
    _remove(part)  # a killed process leaves its own
    try:
        make(part)
        part.replace(path)
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The cache directory {folder} cannot be written ({error}): free space there or make it writable, "
            "or set XDG_CACHE_HOME to a directory that is."
        ) from error
