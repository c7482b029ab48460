"""Many image files packed into one array on disk, in constant memory."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.cores import cores
from genctl.data.formats import reading
from genctl.data.pictures import decode
from genctl.data.progress import progress_bar

_AT_ONCE = 256
_MOST_THREADS = 8

BadFiles = dict[int, str]


def pack(files: Sequence[Path], shape: tuple[int, int, int], folder: Path) -> BadFiles:
    """Write the images of `shape` (h, w, c) in order to `folder`; return position and reason of the files left out."""
    folder.mkdir()
    bad: BadFiles = {}
    with (folder / "images.npy").open("wb") as out:
        _write_header(out, (len(files), *shape))
        for position, image in enumerate(_decoded(files, shape)):
            if isinstance(image, str):
                bad[position] = image
            else:
                out.write(image.data)
        _write_header(out, (len(files) - len(bad), *shape))
    (folder / "bad.json").write_text(json.dumps(bad))
    return bad


def unpack(folder: Path) -> tuple[np.ndarray, BadFiles]:
    """Map the images that `pack` wrote, (n, h, w, c) uint8, and read which files it left out."""
    with reading(folder):
        bad = json.loads((folder / "bad.json").read_text())
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    return images, {int(position): reason for position, reason in bad.items()}


def _write_header(out: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header of a .npy file at its start; NumPy pads it, so that another first axis takes the same room."""
    out.seek(0)
    np.lib.format.write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _decoded(files: Sequence[Path], shape: tuple[int, int, int]) -> Iterator[np.ndarray | str]:
    """Decode in parallel, some at a time; a file that cannot be read gives the reason in place of its image."""

    def read(file: Path) -> np.ndarray | str:
        try:
            return decode(file, *shape)
        except Exception as error:  # Pillow's readers raise nearly anything on a broken file
            return str(error) or type(error).__name__

    threads = min(_MOST_THREADS, cores())
    images = MofNCompleteColumn()
    with ThreadPoolExecutor(threads) as pool, progress_bar("Packing images", len(files), images) as advance:
        for start in range(0, len(files), _AT_ONCE):
            for result in pool.map(read, files[start : start + _AT_ONCE]):
                advance(1)
                yield result
