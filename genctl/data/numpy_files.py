"""Readers of NumPy's files, which may come from strangers: nothing is unpickled, and nothing is read on trust.

What a header promises is compared with the size of the file and with the free memory before anything is allocated.
"""

import contextlib
import io
import math
import os
import textwrap
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from genctl.compute.memory import require_memory
from genctl.config.files import regular
from genctl.data.locations import shown
from genctl.errors import UserError, first_few

_HEADER_BYTES = 2**14  # of a .npy file: NumPy refuses headers of more than 10,000 characters
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_KINDS = "biufSU"  # real numbers and text: no Python objects, dates or tables
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # NumPy writes no other; LZMA may ask for gigabytes
_MOST_DIMENSIONS = 64


@contextlib.contextmanager
def reading(path: Path, part: str = "") -> Iterator[None]:
    """Turn what a damaged file makes the libraries raise, which is nearly anything, into a UserError that names it.

    part: what of the file is read, for the message.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        subject = f"{shown(path)}: {part}" if part else shown(path)
        cure = (
            "free some memory" if isinstance(error, MemoryError) else "replace it, or delete it if it is in the cache"
        )
        reason = shown(str(error).rstrip(".")) or type(error).__name__
        raise UserError(f"{subject} cannot be read ({reason}): {cure}.") from error


def is_npz(path: Path) -> bool:
    """Whether a file is an .npz, and not a .npy. Raises UserError where it is neither."""
    with reading(path), regular(path).open("rb") as file:
        start = file.read(len(npy.MAGIC_PREFIX))
        if start.startswith(b"PK"):
            return True
        if start == npy.MAGIC_PREFIX:
            return False
        raise ValueError("it is not a NumPy file")


def array_names(path: Path) -> list[str]:
    """The names of the arrays of an .npz, in its order. Raises UserError where it is damaged."""
    with _members(path) as (_, members):
        return list(members)


def read_npz(path: Path, keys: Sequence[str], optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read the named arrays of an .npz: numbers or text of any shape; of the optional ones, those that it has.

    Raises UserError where the file or one of these is damaged, lacking, or too large for the free memory.
    """
    with _members(path) as (archive, members):
        if missing := [key for key in keys if key not in members]:
            raise UserError(
                f"{shown(path)} has no array '{missing[0]}': it holds {listed(members)}, "
                f"expected {', '.join(keys)}. Replace the file."
            )
        wanted = [key for key in (*keys, *optional) if key in members]
        return {key: _read(path, key, archive, members[key]) for key in wanted}


def map_npy(path: Path) -> np.ndarray:
    """Map the array of a .npy, which stays on disk. Raises UserError where it is damaged."""
    with reading(path), regular(path).open("rb") as file:
        _promised(file, os.fstat(file.fileno()).st_size)
        return npy.open_memmap(path, mode="r")


def listed(names: Iterable[str]) -> str:
    """The names of arrays, for a message."""
    return first_few([shown(name) for name in names], 10) or "nothing"


@contextlib.contextmanager
def _members(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open an .npz; what is in it beside arrays does not count."""
    with reading(path), zipfile.ZipFile(regular(path)) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        members = {entry.filename.removesuffix(".npy"): entry for entry in entries}
        if len(members) < len(entries):
            raise ValueError("it holds several arrays of one name")
        yield archive, members


def _read(path: Path, key: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    name = f"'{shown(key)}'"
    with reading(path, name):
        if member.compress_type not in _METHODS:
            raise ValueError("it is compressed in a way that NumPy does not write")
        with archive.open(member) as file:
            promised = _promised(file, member.file_size)
        require_memory(f"{shown(path)}: {name}", promised, "take fewer examples, or smaller ones.")
        with archive.open(member) as file:
            return npy.read_array(file, allow_pickle=False)


def _promised(file: IO[bytes], size: int) -> int:
    """How many bytes of data the header of a .npy promises. Raises ValueError where a file of that size has others."""
    head = io.BytesIO(file.read(_HEADER_BYTES))
    version = npy.read_magic(head)
    if version not in _HEADERS:
        raise ValueError(f"its version {version} of .npy holds no plain numbers or text")
    try:
        shape, _, dtype = _HEADERS[version](head)
    except (MemoryError, RecursionError) as error:  # of the parser
        raise ValueError("its header is nested too deeply") from error
    if dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise ValueError(f"its type is {textwrap.shorten(str(dtype), 60)}: only real numbers and text are read")
    if len(shape) > _MOST_DIMENSIONS or min(shape, default=0) < 0:
        raise ValueError(f"its shape is {textwrap.shorten(str(shape), 60)}")
    promised = math.prod(shape) * dtype.itemsize
    if promised != size - head.tell():
        raise ValueError(f"its header promises {promised:,} bytes, and it has {size - head.tell():,}")
    return promised
