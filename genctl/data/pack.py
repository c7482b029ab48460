"""Many image files packed into one array on disk, in constant memory."""

import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.cores import cores
from genctl.data.cache import digest
from genctl.data.formats import map_npy
from genctl.data.paths import shown
from genctl.data.pictures import decode
from genctl.data.progress import progress_bar
from genctl.errors import UserError, first_line
from genctl.files import regular

_DESCRIPTION, _IMAGES = "pack.json", "images.npy"
_AT_ONCE = 256  # images that are read before they are written
_AT_ONCE_BYTES = 2**28  # that these take at most, but for one for each thread
_MOST_THREADS = 8
_PIXEL_BYTES = 8  # that Pillow takes for a pixel of a picture that it resizes

BadFiles = dict[int, str]


def pack(files: Sequence[Path], shape: tuple[int, int, int], folder: Path) -> BadFiles:
    """Write the images of `shape` (h, w, c) in order to `folder`; return position and reason of the files left out."""
    folder.mkdir()
    bad: BadFiles = {}
    with (folder / _IMAGES).open("wb") as out:
        _write_header(out, (len(files), *shape))
        for position, image in enumerate(_decoded(files, shape)):
            if isinstance(image, str):
                bad[position] = image
            else:
                out.write(image.data)
        _write_header(out, (len(files) - len(bad), *shape))
    description = {"sha256": digest(folder / _IMAGES), "bad": bad}
    (folder / _DESCRIPTION).write_text(json.dumps(description))
    return bad


def unpack(folder: Path, count: int) -> tuple[np.ndarray, BadFiles]:
    """Map the images that `pack` wrote, (n, h, w, c) uint8, and read which of the `count` files it left out.

    Raises UserError where these are not what it wrote.
    """
    try:
        written, bad = _described(folder / _DESCRIPTION)
        if digest(folder / _IMAGES) != written:
            raise UserError(f"{folder / _IMAGES} has not the SHA-256 that it was written with.")
        images = map_npy(folder / _IMAGES)
        if len(images) + len(bad) != count or not all(0 <= position < count for position in bad):
            raise UserError(f"{folder / _DESCRIPTION} does not speak of {count} images.")
    except UserError as error:
        raise UserError(f"{error} Delete the folder {folder}: the images are packed anew.") from error
    return images, bad


def _described(path: Path) -> tuple[str, BadFiles]:
    try:
        description = json.loads(regular(path).read_text())
        return description["sha256"], {int(position): str(reason) for position, reason in description["bad"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is no description of a pack ({first_line(error)}).") from error


def memory(shape: tuple[int, int, int]) -> int:
    """How many bytes `pack` takes for images of `shape` (h, w, c)."""
    return _at_once(shape) * math.prod(shape) + _threads() * shape[0] * shape[1] * _PIXEL_BYTES


def _threads() -> int:
    return min(_MOST_THREADS, cores())


def _at_once(shape: tuple[int, int, int]) -> int:
    return max(_threads(), min(_AT_ONCE, _AT_ONCE_BYTES // math.prod(shape)))


def _write_header(out: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header of a .npy file at its start; NumPy pads it, so that another first axis takes the same room."""
    out.seek(0)
    np.lib.format.write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _decoded(files: Sequence[Path], shape: tuple[int, int, int]) -> Iterator[np.ndarray | str]:
    """Decode in parallel, some at a time; a file that cannot be read gives the reason in place of its image."""

    def read(file: Path) -> np.ndarray | str:
        try:
            return decode(file, *shape)
        except UserError as error:
            return shown(str(error).removeprefix(f"{file} ").removeprefix("cannot be read: ").rstrip("."))

    images, at_once = MofNCompleteColumn(), _at_once(shape)
    with ThreadPoolExecutor(_threads()) as pool, progress_bar("Packing images", len(files), images) as advance:
        for start in range(0, len(files), at_once):
            for result in pool.map(read, files[start : start + at_once]):
                advance(1)
                yield result
