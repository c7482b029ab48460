"""The user's cache: things are made once, under a lock, and appear only when they are whole."""

import contextlib
import hashlib
import logging
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from genctl.config.files import regular
from genctl.errors import UserError

_PATIENCE_SECONDS = 5.0  # of silent waiting for another process


def cache_path(*parts: str) -> Path:
    """Return a path in the user's cache directory."""
    return Path(platformdirs.user_cache_dir("genctl"), *parts)


def digest(path: Path) -> str:
    """SHA-256, in hex, of a regular file. Raises UserError where it is none."""
    with regular(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return `path`; where nothing is there, `make(part)` first fills another path beside it, which is then renamed.

    Of several processes one makes it and the others wait. Whatever ends `make` early, nothing partial stays.
    Raises UserError where the cache cannot be written, or neither a file nor a folder is there.
    """
    with _using(path.parent):
        if _is_made(path):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if not _is_made(path):
                _make(path, make)
    return path


def _is_made(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UserError(f"{path} is neither a file nor a folder: delete it, and it is made anew.")
    return True


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of a thing in the cache; the system takes it from a process that ends."""
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout:
        logging.getLogger("genctl").warning("Another process makes %s: waiting for it.", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(path: Path, make: Callable[[Path], None]) -> None:
    part = path.with_name(path.name + ".part")
    _remove(part)  # a killed process leaves its own
    try:
        make(part)
        part.replace(path)
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _using(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, NotImplementedError) as error:  # the second: of a file system without locks
        raise UserError(
            f"The cache directory {folder} cannot be written ({error}): free space there or make it writable, "
            "or set XDG_CACHE_HOME to a directory that is."
        ) from error
