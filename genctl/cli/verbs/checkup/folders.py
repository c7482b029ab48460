"""Where genctl reads and writes: data, cache, runs, and the room on their disks."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from genctl.cli.verbs.checkup.finding import Finding
from genctl.compute.memory import amount
from genctl.data.cache import cache_path

LEAST = 2**30  # bytes: a short run with its checkpoints and pictures, and a data set in the cache


def look() -> Iterator[Finding]:
    """Say of each folder whether it can be used; nothing is written."""
    yield _data()
    cache = cache_path()
    yield _writable("cache", cache, "let it be yours, or name another place by the variable XDG_CACHE_HOME")
    yield _writable("runs", Path.cwd(), "go to a folder that is yours, or say outputs=…")
    places = (Path.cwd(), cache, Path(tempfile.gettempdir()))
    disks = {_there(place).stat().st_dev: place for place in reversed(places)}
    free = {place: shutil.disk_usage(_there(place)).free for place in disks.values()}
    seen = ", ".join(f"{amount(count)} at {place}" for place, count in free.items())
    yield Finding("free disk", seen, f"make room: {amount(LEAST)} each" if min(free.values()) < LEAST else None)


def _data() -> Finding:
    given = os.environ.get("GENCTL_DATA")
    if not given:
        return Finding("data", "GENCTL_DATA is not set, so that data sets are downloaded into the cache")
    if Path(given).is_dir() and os.access(given, os.R_OK | os.X_OK):
        return Finding("data", f"GENCTL_DATA={given}, before the cache and downloads")
    cure = "let it name the folder with the files of data sets, or unset it"
    return Finding("data", f"GENCTL_DATA={given} is no folder that can be read", cure)


def _writable(name: str, place: Path, cure: str) -> Finding:
    there = _there(place)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding(name, str(place) if there == place else f"{place}, which is made when it is needed")
    return Finding(name, f"{place}: {there} is {'not writable' if there.is_dir() else 'no folder'}", cure)


def _there(place: Path) -> Path:
    """The place, or what is there of the way to it."""
    return next(path for path in (place.absolute(), *place.absolute().parents) if path.exists())
