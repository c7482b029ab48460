"""How images are kept: as bytes where they are bytes, whatever type they came in, else as float32."""

from collections.abc import Sequence

import numpy as np

from genctl.compute.memory import require_memory
from genctl.data.ranges import BYTES, Range, chunks

_EXACT, _HALF_EXACT = 1e-3, 0.13  # grey levels that rounding to float32, or to float16, may move a byte by


def stored(name: str, parts: Sequence[tuple[np.ndarray, Range]], wanted: Range) -> list[np.ndarray]:
    """Images as they are kept: uint8 where all numbers are among 256 even levels of their range, else float32.

    parts: images and their range; what lies outside is clipped. wanted: the range of the float32 numbers. The same
    pictures are the same bytes, whether they came as bytes, as fractions or as wide integers. name: for messages.
    """
    batches = []
    for array, ends in parts:
        levels = _as_bytes(name, array, ends)
        if levels is None:
            return [_as_numbers(name, array, own, wanted) for array, own in parts]
        batches.append(levels)
    return batches


def _as_numbers(name: str, array: np.ndarray, ends: Range, wanted: Range) -> np.ndarray:
    """Images of a range as float32 numbers of another; those that are this already stay where they are."""
    if array.dtype != np.float32:
        require_memory(f"{name} as float32", 4 * array.size, "take fewer examples, or smaller ones.")
    if ends == wanted and ends[0] <= array.min() and array.max() <= ends[1]:
        return array.astype(np.float32, copy=False)
    scale = (wanted[1] - wanted[0]) / (ends[1] - ends[0])
    parts = [(part.astype(np.float64).clip(*ends) - ends[0]) * scale + wanted[0] for part in chunks(array)]
    return np.concatenate([part.astype(np.float32) for part in parts])


def _as_bytes(name: str, array: np.ndarray, ends: Range) -> np.ndarray | None:
    """The levels 0..255 of a range that the numbers are, or None where some lie between two of them."""
    if array.dtype == np.uint8 and ends == BYTES:
        return array
    parts: list[np.ndarray] = []
    exact = _HALF_EXACT if array.dtype == np.float16 else _EXACT
    for part in chunks(array):
        levels = (part.astype(np.float64).clip(*ends) - ends[0]) * (255 / (ends[1] - ends[0]))
        rounded = np.round(levels)
        if np.abs(levels - rounded).max() > exact:
            return None
        if not parts:
            require_memory(f"{name} as bytes", array.size, "take fewer examples, or smaller ones.")
        parts.append(rounded.astype(np.uint8))
    return np.concatenate(parts)
