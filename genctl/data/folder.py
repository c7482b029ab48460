"""A user's own image files, below one folder."""

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from genctl.data.base import Examples, Source
from genctl.data.cache import cache_path, made_once
from genctl.data.pack import pack, unpack
from genctl.data.paths import given_path
from genctl.data.pictures import is_colour
from genctl.data.spec import Spec
from genctl.errors import UserError, first_few

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_PACK_VERSION = 1

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
        raise UserError(f"dataset.path={path} is a file: name a folder of images, or use dataset=npz for a .npz file.")
    names = sorted(image_names(root))
    if not names:
        kinds = ", ".join(sorted(_SUFFIXES))
        raise UserError(f"dataset.path={path} has no images in it or below it: expected files that end in {kinds}.")
    height, width = image_size if isinstance(image_size, list) else (image_size, image_size)
    target = cache_path("folders", _key(root, names, height, width, channels, skip_bad))

    def make(part: Path) -> None:
        files = [root / name for name in names]
        colours = channels or (3 if any(map(is_colour, files)) else 1)
        bad = pack(files, (height, width, colours), part)
        _refuse(names, bad, skip_bad)

    images, bad = unpack(made_once(target, make))
    if bad:
        logging.getLogger("genctl").warning("%s. They are left out (dataset.skip_bad=true).", _count_bad(names, bad))
    labels, class_names = _classes(names)
    if labels is not None:
        labels = np.delete(labels, list(bad))
    spec = Spec(root.resolve().name, images.shape[1:], class_names)
    return Source(spec, Examples(images, labels), None)


def image_names(root: Path) -> Iterator[str]:
    """Find image files by their names relative to the root; hidden ones are left out, links to folders are followed."""
    seen = set()
    for folder, below, files in os.walk(root, onerror=_raise, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # a link that leads back up
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES:
                yield Path(folder, name).relative_to(root).as_posix()


def _raise(error: OSError) -> None:
    raise UserError(f"The folder {error.filename} cannot be read ({error.strerror}): make it readable.") from error


def _key(root: Path, names: Sequence[str], *settings: object) -> str:
    """Name the pack of these files as they are now, under these settings."""
    digest = hashlib.sha256(repr((_PACK_VERSION, settings)).encode())
    for name in names:
        state = (root / name).stat() if (root / name).exists() else None  # None: a link to nothing
        digest.update(repr((name, state and (state.st_size, state.st_mtime_ns))).encode())
    return digest.hexdigest()[:32]


def _refuse(names: Sequence[str], bad: dict[int, str], skip_bad: bool) -> None:
    if not bad or (skip_bad and len(bad) < len(names)):
        return
    cure = "Mend them." if len(bad) == len(names) else "Mend or remove them, or set dataset.skip_bad=true."
    raise UserError(f"{_count_bad(names, bad)}. {cure}")


def _count_bad(names: Sequence[str], bad: dict[int, str]) -> str:
    shown = first_few([f"{names[position]} ({reason})" for position, reason in bad.items()])
    return f"{len(bad)} of {len(names)} image files cannot be read: {shown}"


def _classes(names: Sequence[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return labels (n,) int32 and class names by the first folder of each name; none if a file lies in no folder."""
    if not all("/" in name for name in names):
        return None, ()
    folders = [name.split("/", 1)[0] for name in names]
    class_names, labels = np.unique(folders, return_inverse=True)
    return labels.astype(np.int32), tuple(class_names.tolist())
