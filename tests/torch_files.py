"""Files of torch, written without it: an archive with a pickle, and the numbers of each tensor."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
PROTO, STOP = b"\x80\x02", b"."


def write_torch(
    path: Path, arrays: Arrays, instead: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED
) -> None:
    storages = {f"archive/data/{key}": array.astype("<f4").tobytes() for key, array in enumerate(arrays.values())}
    zipped(path, {"archive/data.pkl": dictionary(arrays), **storages, **(instead or {})}, compression)


def write_zip(path: Path, pickled: bytes) -> None:
    zipped(path, {"archive/data.pkl": pickled})


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def dictionary(arrays: Arrays) -> bytes:
    """The pickle of a dictionary of tensors, whose storages are numbered."""
    items = [text(name) + tensor(str(key), array.shape) for key, (name, array) in enumerate(arrays.items())]
    return PROTO + b"}(" + b"".join(items) + b"u" + STOP


def tensor(key: str, shape: tuple[int, ...]) -> bytes:
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu")
    steps = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    arguments = storage + whole(int(np.prod(shape))) + b"tQ" + whole(0) + numbers(shape) + numbers(steps)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"\x89ccollections\nOrderedDict\n)RtR"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def whole(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: Any) -> bytes:
    return b"(" + b"".join(map(whole, values)) + b"t"
