"""Readers of the files in which data sets are kept. None of them unpickles."""

import contextlib
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genctl.errors import UserError

_CIFAR_RECORD = 1 + 3 * 32 * 32
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a damaged file makes the libraries raise into a UserError that names the file."""
    try:
        yield
    except _DAMAGE as error:
        reason = "it is not a NumPy file, or holds Python objects" if "pickle" in str(error) else f"{error}"
        raise UserError(
            f"{path} cannot be read ({reason or type(error).__name__}): replace it, or delete it if it is in the cache."
        ) from error


def read_npz(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read the named arrays of a .npz file; UserError where the file is damaged or lacks one."""
    with reading(path), np.load(path, allow_pickle=False) as file:
        names = getattr(file, "files", [])
        if missing := [key for key in keys if key not in names]:
            raise UserError(
                f"{path} has no array '{missing[0]}': it holds {', '.join(names) or 'none'}, "
                f"expected {', '.join(keys)}. Replace the file."
            )
        return {key: file[key] for key in keys}


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Read a gzipped IDX file of bytes (magic number 0x800 + rank, then one big-endian int32 a dimension)."""
    with reading(path), gzip.open(path) as file:
        header = np.frombuffer(file.read(4 * (1 + rank)), ">i4")
        if len(header) != 1 + rank or header[0] != 0x800 + rank:
            raise ValueError(f"it is not an IDX file of {rank} dimensions")
        return np.frombuffer(file.read(), np.uint8).reshape(header[1:])


def read_cifar(path: Path, members: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Read images (n, 32, 32, 3) and labels (n,) of members of CIFAR-10's binary archive, without extracting it."""
    wanted: dict[str, bytes] = {}
    with reading(path), tarfile.open(path, "r:gz") as archive:
        for entry in archive:  # in the archive's order: a gzip stream cannot go back cheaply
            if entry.name in members and (file := archive.extractfile(entry)):
                wanted[entry.name] = file.read()
        if missing := [name for name in members if not wanted.get(name)]:
            raise ValueError(f"it has no {missing[0]}")
        records = np.frombuffer(b"".join(wanted[name] for name in members), np.uint8).reshape(-1, _CIFAR_RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0]
