"""Many image files packed into one array on disk, in constant memory."""

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydantic
from rich.progress import MofNCompleteColumn

from genctl.compute.cores import cores
from genctl.config.files import regular
from genctl.data.bars import progress_bar
from genctl.data.cache import digest
from genctl.data.image_files import Frames, Look, Shape, decode
from genctl.data.locations import shown
from genctl.data.numpy_files import map_npy
from genctl.data.ranges import BYTES, Numbers, natural
from genctl.data.survey import Survey, survey
from genctl.errors import UserError, first_line

_DESCRIPTION, _IMAGES = "pack.json", "images.npy"
_AT_ONCE = 256  # images that are read before they are written
_AT_ONCE_BYTES = 2**28  # that these take at most, but for one for each thread
_MOST_THREADS = 8
_PIXEL_BYTES = 8  # that Pillow takes for a pixel of a picture that it resizes

BadFiles = dict[int, str]


@dataclasses.dataclass(frozen=True)
class Description:
    """What a pack holds. counts: of the pictures of each file, in order; bad: position and reason of files without any.

    least, most: of the numbers of all pictures, or of those of more than 8 bits where there are some.
    """

    counts: list[int]
    bad: BadFiles
    least: float
    most: float
    survey: Survey

    @property
    def numbers(self) -> Numbers:
        """What is known of the pictures' numbers."""
        dtype = np.dtype(self.survey.dtype)
        return Numbers(self.least, self.most, dtype, dtype.kind != "f")


def pack(
    files: Sequence[Path], looks: Sequence[Look | None], shape: Shape, frames: Frames, folder: Path
) -> Description:
    """Write the pictures of files in order to `folder`, as uint8, or as float32 where some have more than 8 bits.

    looks: the files' headers. Pictures of 8 bits beside deeper ones get the range of these.
    """
    folder.mkdir()
    about = survey(looks, shape)
    dtype = np.dtype(np.float32 if about.deep else np.uint8)
    counts, bad, ends = [], {}, [math.inf, -math.inf]
    with (folder / _IMAGES).open("wb") as out:
        _write_header(out, dtype, (sum(one.pictures if one else 1 for one in looks), *shape[:3]))
        for position, images in enumerate(_decoded(files, shape, frames)):
            counts.append(0 if isinstance(images, str) else len(images))
            if isinstance(images, str):
                bad[position] = images
                continue
            out.write(images.astype(dtype, copy=False).data)
            if images.dtype == dtype:
                ends = [min(ends[0], float(images.min())), max(ends[1], float(images.max()))]
        _write_header(out, dtype, (sum(counts), *shape[:3]))
    least, most = ends if ends[0] <= ends[1] else (0.0, 0.0)
    description = Description(counts, bad, least, most, about)
    shallow = [one is None or one.dtype == "uint8" for one in looks]
    if about.deep and any(shallow):
        _widen(folder / _IMAGES, np.repeat(shallow, counts), natural(description.numbers))
    stored = {"sha256": digest(folder / _IMAGES), **dataclasses.asdict(description)}
    (folder / _DESCRIPTION).write_text(json.dumps(stored))
    return description


def _widen(path: Path, shallow: np.ndarray, ends: tuple[float, float]) -> None:
    """Give pictures whose numbers are bytes the range of the others."""
    images = np.lib.format.open_memmap(path, mode="r+")
    for place in np.flatnonzero(shallow):
        images[place] = images[place].astype(np.float64) * ((ends[1] - ends[0]) / BYTES[1]) + ends[0]
    images.flush()


def unpack(folder: Path, count: int) -> tuple[np.ndarray, Description]:
    """Map the pictures that `pack` wrote of `count` files, (n, h, w, c) uint8 or float32, and what it said of them.

    Raises UserError where these are not what it wrote.
    """
    try:
        written, description = _described(folder / _DESCRIPTION)
        if digest(folder / _IMAGES) != written:
            raise UserError(f"{folder / _IMAGES} has not the SHA-256 that it was written with.")
        images = map_npy(folder / _IMAGES)
        empty = {place for place, number in enumerate(description.counts) if number == 0}
        if len(description.counts) != count or sum(description.counts) != len(images) or empty != set(description.bad):
            raise UserError(f"{folder / _DESCRIPTION} does not speak of {count} files and {len(images)} images.")
    except UserError as error:
        raise UserError(f"{error} Delete the folder {folder}: the images are packed anew.") from error
    return images, description


def _described(path: Path) -> tuple[str, Description]:
    try:
        stored = json.loads(regular(path).read_text())
        return str(stored.pop("sha256")), pydantic.TypeAdapter(Description).validate_python(stored)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is no description of a pack ({first_line(error)}).") from error


def memory(shape: Shape) -> int:
    """How many bytes `pack` takes for images of that shape."""
    return _at_once(shape) * math.prod(shape[:3]) + _threads() * shape.height * shape.width * _PIXEL_BYTES


def _threads() -> int:
    return min(_MOST_THREADS, cores())


def _at_once(shape: Shape) -> int:
    return max(_threads(), min(_AT_ONCE, _AT_ONCE_BYTES // math.prod(shape[:3])))


def _write_header(out: BinaryIO, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Write the header of a .npy file at its start; NumPy pads it, so that another first axis takes the same room."""
    out.seek(0)
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})


def _decoded(files: Sequence[Path], shape: Shape, frames: Frames) -> Iterator[np.ndarray | str]:
    """Decode in parallel, some at a time; a file that cannot be read gives the reason in place of its pictures."""

    def read(file: Path) -> np.ndarray | str:
        try:
            return decode(file, shape, frames)
        except UserError as error:
            return shown(str(error).removeprefix(f"{file} ").removeprefix("cannot be read: ").rstrip("."))

    images, at_once = MofNCompleteColumn(), _at_once(shape)
    with ThreadPoolExecutor(_threads()) as pool, progress_bar("Packing images", len(files), images) as advance:
        for start in range(0, len(files), at_once):
            for result in pool.map(read, files[start : start + at_once]):
                advance(1)
                yield result
