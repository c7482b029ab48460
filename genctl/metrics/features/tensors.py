"""Files of weights that other programs wrote: torch's of both formats, read without torch, and safetensors.

Nothing in a file is run, and no more is read of it than the tensors that are asked for.
"""

import contextlib
import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genctl.data.locations import shown
from genctl.errors import first_few
from genctl.metrics.features import pickles
from genctl.metrics.features.pickles import Machine, Storage, Tensor

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001  # how torch began its files before they were zip archives
Shapes = Mapping[str, tuple[int, ...]]


class _Stored(NamedTuple):
    shape: tuple[int, ...]
    load: Callable[[], np.ndarray]


def read(path: Path, shapes: Shapes) -> dict[str, np.ndarray]:
    """Read tensors by name, as float32; others that the file holds are passed over.

    Raises ValueError where the file is of none of these formats, asks for anything but tensors, or lacks a tensor of
    that shape in finite numbers; and nearly anything where it is damaged.
    """
    with _opened(path) as stored:
        for name, shape in shapes.items():
            if name not in stored:
                held = first_few([shown(other) for other in stored]) or "no tensors"
                raise ValueError(f"it has no tensor {name}, but {held}")
            if stored[name].shape != shape:
                raise ValueError(f"{name} has the shape {list(stored[name].shape)}, not {list(shape)}")
        return {name: _floats(name, stored[name].load()) for name in shapes}


def _floats(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "f":
        raise ValueError(f"{name} is of {array.dtype}, not of floating-point numbers")
    with np.errstate(over="ignore"):
        floats = array.astype(np.float32)
    if not np.isfinite(floats).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    return floats


def _opened(path: Path) -> contextlib.AbstractContextManager[Mapping[str, _Stored]]:
    with path.open("rb") as file:
        start = file.read(9)
    if start[:2] == b"PK":
        return _torch_zip(path)
    if start[:1] == b"\x80":
        return _torch_old(path)
    if start[8:] == b"{":
        return _safetensors(path)
    raise ValueError("it is neither a file of weights of torch nor one of safetensors")


@contextlib.contextmanager
def _safetensors(path: Path) -> Iterator[Mapping[str, _Stored]]:
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        yield {
            name: _Stored(tuple(file.get_slice(name).get_shape()), lambda name=name: file.get_tensor(name))  # type: ignore[misc]
            for name in file.keys()  # noqa: SIM118 - it is no mapping
        }


@contextlib.contextmanager
def _torch_zip(path: Path) -> Iterator[Mapping[str, _Stored]]:
    """The format since torch 1.6: a folder with data.pkl and, below data/, the bytes of each storage."""
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        folder = next((name[:-8] for name in members if name.endswith("/data.pkl")), None)
        if folder is None:
            raise ValueError("its zip archive is none of torch, which has a data.pkl")
        if f"{folder}constants.pkl" in members:
            raise ValueError("it is a program in TorchScript, which is never run")

        def content(name: str, size: int) -> bytes:
            member = members.get(folder + name)
            if member is None or member.file_size != size or member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"its {shown(name)} is not there, is compressed, or has not {size:,} bytes")
            return archive.read(member)

        if f"{folder}byteorder" in members and content("byteorder", 6) != b"little":
            raise ValueError("its bytes are in another order than those of this machine")
        size = members[f"{folder}data.pkl"].file_size
        pickled = io.BytesIO(content("data.pkl", min(size, pickles.MOST_BYTES)))
        yield _tensors(Machine().read(pickled), lambda one: content(f"data/{one.key}", one.size * one.dtype.itemsize))


@contextlib.contextmanager
def _torch_old(path: Path) -> Iterator[Mapping[str, _Stored]]:
    """The format before torch 1.6: pickles, then each storage behind its count."""
    with path.open("rb") as file:
        size, head, machine = os.fstat(file.fileno()).st_size, io.BytesIO(file.read(pickles.MOST_BYTES)), Machine()
        if (machine.read(head), machine.read(head)) != (MAGIC, VERSION):
            raise ValueError("it is a pickle, but none of torch")
        about, content_read, keys = machine.read(head), machine.read(head), machine.read(head)
        if not isinstance(about, dict) or about.get("little_endian") is not True:
            raise ValueError("its bytes are in another order than those of this machine")
        if not isinstance(keys, list) or not all(isinstance(key, str) and key in machine.storages for key in keys):
            raise ValueError("its list of storages is damaged")
        place, places = head.tell(), {}
        for key in keys:
            places[key] = place
            place += 8 + machine.storages[key].size * machine.storages[key].dtype.itemsize
        if place > size:
            raise ValueError(f"it is cut off: it should have {place:,} bytes, and has {size:,}")

        def content(storage: Storage) -> bytes:
            if storage.key not in places:
                raise ValueError(f"its storage {shown(storage.key)} is not there")
            file.seek(places[storage.key])
            (count,) = struct.unpack("<q", file.read(8))
            if count != storage.size:
                raise ValueError(f"its storage {shown(storage.key)} has {count:,} numbers, not {storage.size:,}")
            return file.read(count * storage.dtype.itemsize)

        yield _tensors(content_read, content)


def _tensors(tree: object, content: Callable[[Storage], bytes]) -> Mapping[str, _Stored]:
    """What a dictionary of tensors holds, and how each is had."""
    if not isinstance(tree, dict):
        raise ValueError("it holds no dictionary of tensors by name")

    def load(name: str, tensor: Tensor) -> np.ndarray:
        if not tensor.whole:
            raise ValueError(f"{name} is a part of another tensor: save it as one of its own")
        return tensor.array(content(tensor.storage))

    return {
        name: _Stored(tensor.shape, lambda name=name, tensor=tensor: load(name, tensor))  # type: ignore[misc]
        for name, tensor in tree.items()
        if isinstance(tensor, Tensor)
    }
