"""Pickles of torch, read as data: nothing is imported and nothing is called, whatever a file asks for.

A pickle is a program for a small machine with a stack. The machine here knows the few commands that plain values,
dictionaries and tensors take, and what the few names on its list stand for; all else is refused by its name.
"""

import math
import pickletools
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

from genctl.data.locations import shown

MOST_BYTES = 2**22  # of a pickle: that of a network with a thousand tensors takes some hundred kilobytes
STORAGES = {
    f"torch {name}Storage": np.dtype(kind)
    for name, kind in {
        **{"Double": "<f8", "Float": "<f4", "Half": "<f2"},
        **{"Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "<i1", "Byte": "<u1", "Bool": "?"},
    }.items()
}
VALUES = frozenset(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"))
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
IGNORED = frozenset(("PROTO", "FRAME", "STOP"))


class Storage(NamedTuple):
    """Where the numbers of a tensor lie in the file: their key, type and number."""

    key: str
    dtype: np.dtype
    size: int


class Tensor(NamedTuple):
    """A tensor as the pickle describes it; offset and strides in numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether it is all of its storage, so that what is read is no more than what is wanted."""
        last = sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        return not self.offset and math.prod(self.shape) == self.storage.size == last + 1

    def array(self, numbers: bytes) -> np.ndarray:
        """The array, of the bytes of its storage. For a tensor that is whole."""
        flat = np.frombuffer(numbers, self.storage.dtype, self.storage.size)
        steps = [step * flat.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(flat, self.shape, steps, writeable=False)


class _Name(NamedTuple):
    """A name on the list, which stands for itself until it is called."""

    text: str


class Machine:
    """Reads the pickles of one file. storages: all that were mentioned, by key."""

    def __init__(self) -> None:
        self.storages: dict[str, Storage] = {}
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def read(self, file: IO[bytes]) -> Any:
        """What the pickle at the file's position holds; the position is behind it then.

        Raises ValueError for a damaged one, and for one that holds anything but whole numbers, text, lists,
        dictionaries by text, and tensors.
        """
        self.stack, self.marks, self.memo = [], [], {}
        try:
            for opcode, argument, _ in pickletools.genops(file):
                self._obey(opcode.name, argument)
            return self.stack.pop()
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError("its pickle is damaged") from error

    def _obey(self, command: str, argument: Any) -> None:
        if command in IGNORED:
            return
        if command in VALUES:
            self.stack.append(argument)
        elif command in CONSTANTS:
            self.stack.append(CONSTANTS[command])
        elif command in EMPTY:
            self.stack.append(EMPTY[command]())
        elif command in TUPLES:
            self.stack.append(tuple(self.top(TUPLES[command])))
        elif command in ACTS:
            ACTS[command](self, argument)
        else:
            what = f"{command} {shown(argument)}" if isinstance(argument, str) else command
            raise ValueError(f"its pickle has the command {what}, which weights do not need; it was not obeyed")

    def top(self, count: int) -> list[Any]:
        """Take so many from the stack. Raises IndexError where there are fewer."""
        if count > len(self.stack):
            raise IndexError
        return self._above(len(self.stack) - count)

    def marked(self) -> list[Any]:
        """Take what lies above the last mark."""
        return self._above(self.marks.pop())

    def _above(self, place: int) -> list[Any]:
        taken = self.stack[place:]
        del self.stack[place:]
        return taken

    def name(self, text: str) -> None:
        """Put a name on the stack. Raises ValueError for one that is not on the list."""
        if text not in STORAGES and text not in CALLS:
            asked = shown(text.replace(" ", "."))
            raise ValueError(f"its pickle asks for {asked}, which weights do not need; it was not imported")
        self.stack.append(_Name(text))

    def call(self) -> None:
        """Put there what a name with arguments stands for."""
        name, arguments = self.top(2)
        self.stack.append(CALLS[name.text](*arguments))

    def refer(self) -> None:
        """Put a storage there, of which torch writes a description. Raises ValueError for a damaged description."""
        kind, name, key, _, count, *view = self.stack.pop()
        if kind != "storage" or view not in ([], [None]) or not _counts(count) or not isinstance(key, str):
            raise ValueError("its pickle is damaged: a storage was expected")
        storage = Storage(key, STORAGES[name.text], count)
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError(f"its pickle describes storage {shown(key)} in two ways")
        self.stack.append(storage)

    def fill(self, items: list[Any]) -> None:
        """Put items into the list or, in pairs, into the dictionary that is on the stack.

        Raises ValueError where there is neither.
        """
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, dict) and all(isinstance(key, str) for key in items[::2]):  # others may hash for ever
            target.update(zip(items[::2], items[1::2], strict=True))
        else:
            raise ValueError("its pickle is damaged: a list, or a dictionary by text, was expected")


def _tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Tensor:
    if not isinstance(storage, Storage) or not _counts(offset, *shape, *strides) or len(shape) != len(strides):
        raise ValueError("its pickle is damaged: a tensor was expected")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _counts(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value < 2**40 for value in values)


CALLS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": lambda: {},
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": lambda tensor, *_: tensor,
}
ACTS: dict[str, Callable[[Machine, Any], Any]] = {
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.marked())),
    "SETITEM": lambda machine, _: machine.fill(machine.top(2)),
    "SETITEMS": lambda machine, _: machine.fill(machine.marked()),
    "APPEND": lambda machine, _: machine.fill(machine.top(1)),
    "APPENDS": lambda machine, _: machine.fill(machine.marked()),
    "BINPUT": lambda machine, place: machine.memo.update({place: machine.stack[-1]}),
    "LONG_BINPUT": lambda machine, place: machine.memo.update({place: machine.stack[-1]}),
    "MEMOIZE": lambda machine, _: machine.memo.update({len(machine.memo): machine.stack[-1]}),
    "BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "GLOBAL": lambda machine, text: machine.name(text),
    "STACK_GLOBAL": lambda machine, _: machine.name(" ".join(machine.top(2))),
    "BINPERSID": lambda machine, _: machine.refer(),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.top(1),  # attributes, of which tensors need none
}
