"""Readers of the original files of Fashion-MNIST and CIFAR-10, which may expand to no more than such files do."""

import gzip
import math
import tarfile
from pathlib import Path

import numpy as np

from genctl.config.files import regular
from genctl.data.numpy_files import reading

_CIFAR_RECORD = 1 + 3 * 32 * 32
_MOST_BYTES = 2**28  # that a file expands to: CIFAR-10, the largest, takes 184 MB


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Read a gzipped IDX file of bytes (magic number 0x800 + rank, then one big-endian int32 a dimension).

    Raises ValueError for another or a damaged file.
    """
    with reading(path), gzip.open(regular(path)) as file:
        header = np.frombuffer(file.read(4 * (1 + rank)), ">i4")
        if len(header) != 1 + rank or header[0] != 0x800 + rank or header.min() < 0:
            raise ValueError(f"it is not an IDX file of {rank} dimensions")
        shape = tuple(map(int, header[1:]))
        promised = math.prod(shape)
        if promised > _MOST_BYTES:
            raise ValueError(f"its header promises {promised:,} bytes, and {_MOST_BYTES:,} are the most")
        data = file.read(promised)
        if len(data) < promised or file.read(1):
            raise ValueError(f"it has {'fewer' if len(data) < promised else 'more'} bytes than its header promises")
        return np.frombuffer(data, np.uint8).reshape(shape)


def read_cifar(path: Path, members: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Read images (n, 32, 32, 3) and labels (n,) of members of CIFAR-10's binary archive, without extracting it.

    Raises ValueError where a member is missing.
    """
    wanted: dict[str, bytes] = {}
    with (
        reading(path),
        gzip.open(regular(path)) as file,
        tarfile.open(fileobj=_Limited(file), mode="r|") as archive,  # type: ignore[call-overload]
    ):
        for entry in archive:  # in the archive's order: a stream cannot go back
            plain = entry.isreg() and not entry.issparse()  # a sparse file stands for any number of zeros
            if plain and entry.name in members and (part := archive.extractfile(entry)):
                wanted[entry.name] = part.read()
        if missing := [name for name in members if not wanted.get(name)]:
            raise ValueError(f"it has no {missing[0]}")
        records = np.frombuffer(b"".join(wanted[name] for name in members), np.uint8).reshape(-1, _CIFAR_RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0]


class _Limited:
    """A file of which no more than _MOST_BYTES are read."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file, self._left = file, _MOST_BYTES

    def read(self, count: int) -> bytes:
        """The next bytes. Raises ValueError beyond the limit."""
        data = self._file.read(count)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"it expands to more than the {_MOST_BYTES:,} bytes that such a file has")
        return data
