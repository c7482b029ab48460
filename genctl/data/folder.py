"""A user's own image files, below one folder."""

import hashlib
import logging
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from genctl.data.base import Examples, Source
from genctl.data.cache import cache_path, made_once
from genctl.data.memory import amount, require_memory
from genctl.data.pack import BadFiles, memory, pack, unpack
from genctl.data.paths import given_path, shown
from genctl.data.pictures import is_colour
from genctl.data.spec import Spec
from genctl.errors import UserError, first_few

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_PACK_VERSION = 2

Side = Annotated[int, Field(gt=0)]


def load(
    path: str | None,
    image_size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)],
    channels: Literal[1, 3] | None,
    skip_bad: bool,
) -> Source:
    """Load every image file below a folder as uint8 (n, h, w, c), packed once into a memory-mapped file in the cache.

    image_size: pixels of a side, or [height, width]; images are resized and centre-cropped to it.
    channels: 1 or 3; None: 3 if any of the images is in colour. skip_bad: leave out files that cannot be read.
    The first-level sub-folders are the classes where every image lies in one; else there are no labels.
    Raises UserError where the folder, a file of it or the cache is not usable.
    """
    root = given_path(path, "folder", "photos/")
    if not root.is_dir():
        raise UserError(f"dataset.path={shown(root)} is no folder: name one of images, or use dataset=npz for a .npz.")
    names = sorted(image_names(root))
    if not names:
        kinds = ", ".join(sorted(SUFFIXES))
        raise UserError(f"dataset.path={shown(root)} has no images in it or below it: they must end in {kinds}.")
    height, width = image_size if isinstance(image_size, list) else (image_size, image_size)
    images, bad = _packed(root, names, height, width, channels, skip_bad)
    if bad:
        logging.getLogger("genctl").warning("%s. They are left out (dataset.skip_bad=true).", _count_bad(names, bad))
    labels, class_names = _classes(names)
    if labels is not None:
        labels = np.delete(labels, list(bad))
    spec = Spec(shown(root.resolve().name) or "folder", images.shape[1:], class_names)
    return Source(spec, Examples(images, labels), None)


def _packed(
    root: Path, names: Sequence[str], height: int, width: int, channels: Literal[1, 3] | None, skip_bad: bool
) -> tuple[np.ndarray, BadFiles]:
    """The images of a folder, from the cache where it was packed before as it is now, and those that are left out."""
    size = f"dataset.image_size=[{height}, {width}]"
    require_memory(f"Reading images with {size}", memory((height, width, channels or 3)), "make it smaller.")
    settings = (height, width, channels, skip_bad)
    key = _key(root, names, *settings)

    def make(part: Path) -> None:
        files = [root / name for name in names]
        shape = (height, width, channels or (3 if any(map(is_colour, files)) else 1))
        _require_disk(part.parent, len(files) * math.prod(shape), size)
        _refuse(names, pack(files, shape, part), skip_bad)
        if _key(root, names, *settings) != key:
            raise UserError(f"{shown(root)} changed while its images were read: try again when nothing writes there.")

    return unpack(made_once(cache_path("folders", key), make), len(names))


def image_names(root: Path) -> Iterator[str]:
    """Find image files by their names relative to the root; hidden ones are left out, links to folders are followed."""
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        below = waiting.pop()
        identity, entries = _entries(root / below)
        if identity in seen:  # a link that leads back up
            continue
        seen.add(identity)
        for name, is_folder in entries:
            if not is_folder and Path(name).suffix.lower() in SUFFIXES:
                yield below + name
        waiting += [f"{below}{name}/" for name, is_folder in reversed(entries) if is_folder]


def _entries(folder: Path) -> tuple[tuple[int, int], list[tuple[str, bool]]]:
    """What a folder is, wherever links lead to it from, and its entries in order: their names, whether folders."""

    def is_folder(entry: "os.DirEntry[str]") -> bool:
        try:
            return entry.is_dir()
        except OSError:  # a link in a circle, or one into a folder that cannot be read
            return False

    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, is_folder(entry)) for entry in entries if not entry.name.startswith("."))
        state = folder.stat()
    except OSError as error:
        raise UserError(f"The folder {shown(folder)} cannot be read ({error.strerror}): make it readable.") from error
    return (state.st_dev, state.st_ino), found


def _key(root: Path, names: Sequence[str], *settings: object) -> str:
    """Name the pack of these files as they are now, under these settings."""
    digest = hashlib.sha256(repr((_PACK_VERSION, str(root.resolve()), settings)).encode())
    for name in names:
        digest.update(repr((name, _state(root / name))).encode())
    return digest.hexdigest()[:32]


def _state(file: Path) -> tuple[int, ...] | None:
    """All that tells a file from what it was before and from others, but its bytes; None: a link to nothing.

    Archives restore names, sizes and times of change, but neither the time of creation nor the place on the disk.
    """
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _require_disk(folder: Path, count: int, size: str) -> None:
    free = shutil.disk_usage(folder).free
    if count > free:
        raise UserError(
            f"The images with {size} take {amount(count)}, but {amount(free)} are free in {folder}: make it smaller, "
            "or set XDG_CACHE_HOME to a directory on another disk."
        )


def _refuse(names: Sequence[str], bad: dict[int, str], skip_bad: bool) -> None:
    if not bad or (skip_bad and len(bad) < len(names)):
        return
    cure = "Mend them." if len(bad) == len(names) else "Mend or remove them, or set dataset.skip_bad=true."
    raise UserError(f"{_count_bad(names, bad)}. {cure}")


def _count_bad(names: Sequence[str], bad: dict[int, str]) -> str:
    few = first_few([f"{shown(names[position])} ({reason})" for position, reason in bad.items()])
    return f"{len(bad)} of {len(names)} image files cannot be read: {few}"


def _classes(names: Sequence[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return labels (n,) int32 and class names by the first folder of each name; none if a file lies in no folder."""
    if not all("/" in name for name in names):
        return None, ()
    folders = [name.split("/", 1)[0] for name in names]
    class_names, labels = np.unique(folders, return_inverse=True)
    return labels.astype(np.int32), tuple(map(shown, class_names.tolist()))
