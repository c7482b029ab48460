"""Checks and conversions of a user's own arrays."""

import sys
from collections.abc import Sequence

import numpy as np

from genctl.data.locations import shown
from genctl.data.ranges import above
from genctl.errors import UserError

_CHUNK_BYTES = 2**24


def shaped(name: str, array: np.ndarray) -> np.ndarray:
    """Return images (n, h, w, c) or vectors (n, d) as they are, and images (n, h, w) with a channel axis.

    Raises UserError, beginning with `name`, where the array is neither.
    """
    if array.dtype.kind not in "biuf":
        raise UserError(f"{name} is of type {array.dtype}: images must be numbers (uint8 or float32).")
    if array.ndim not in (2, 3, 4):
        raise UserError(
            f"{name} has shape {array.shape}: expected images (n, height, width) or (n, height, width, channels), "
            "or vectors (n, features)."
        )
    if array.size == 0:
        raise UserError(f"{name} is empty: its shape is {array.shape}.")
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[-1] not in (1, 3):
        raise UserError(f"{name} has shape {array.shape}: {_channels_advice(array.shape)}")
    return array


def _channels_advice(shape: tuple[int, ...]) -> str:
    if shape[-1] == 4:
        return "four channels are not supported: leave out the alpha channel, as in images[..., :3]."
    if shape[1] in (1, 3):
        return "channels must come last: save images.transpose(0, 2, 3, 1)."
    return "the last axis must hold 1 or 3 channels."


def finite_rows(array: np.ndarray) -> np.ndarray:
    """Tell, as (n,) bool, which examples have only numbers that float32 can hold."""
    if array.dtype.kind != "f":
        return np.ones(len(array), bool)
    rows = max(1, _CHUNK_BYTES // array[0].nbytes)
    with np.errstate(over="ignore"):
        chunks = (array[start : start + rows].astype(np.float32) for start in range(0, len(array), rows))
        return np.concatenate([np.isfinite(chunk.reshape(len(chunk), -1)).all(axis=1) for chunk in chunks])


def with_ranges(
    name: str, vectors: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], tuple[float, ...], tuple[float, ...]]:
    """Vectors (n, d) as float32, and the least and the most of each feature that occur in all of them.

    Raises UserError, beginning with `name`, where float32 cannot hold the width of a range.
    """
    floats = [array.astype(np.float32, copy=False) for array in vectors]
    low = np.min([array.min(axis=0) for array in floats], axis=0)
    high = np.max([array.max(axis=0) for array in floats], axis=0)
    return floats, tuple(low.tolist()), tuple(above(name, low, high).tolist())


def as_labels(name: str, labels: np.ndarray, count: int) -> np.ndarray:
    """Return labels as (count,) int64 or strings; UserError, beginning with `name`, where they are neither."""
    if labels.shape not in {(count,), (count, 1)}:
        raise UserError(f"{name} has shape {labels.shape}: expected ({count},), one label for each image.")
    labels = labels.reshape(-1)
    if labels.dtype.kind == "S":
        return np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "U":
        return _text(name, labels)
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.trunc(labels))).all():
        raise UserError(f"{name} holds fractions, NaN or infinite values: labels must be whole numbers or names.")
    if labels.dtype.kind in "uf" and (largest := np.abs(labels.astype(float)).max()) >= 2**63:
        raise UserError(f"{name} holds {largest:g}, which is no number of a class: labels must be below 2**63.")
    return labels.astype(np.int64)


def _text(name: str, labels: np.ndarray) -> np.ndarray:
    """Refuse numbers that are no characters, which NumPy reads and Python then trips over."""
    codes = np.ascontiguousarray(labels).view(f"{labels.dtype.str[0]}u4")
    if codes.max() > sys.maxunicode:
        raise UserError(f"{name} holds what is no text: labels must be whole numbers or names.")
    return labels


def encode_labels(arrays: Sequence[np.ndarray | None]) -> tuple[list[np.ndarray | None], tuple[str, ...]]:
    """Map labels to int32 positions among the sorted values of all arrays; the values are the class names."""
    given = [array for array in arrays if array is not None]
    if not given:
        return list(arrays), ()
    values = np.unique(np.concatenate(given))
    positions: list[np.ndarray | None] = [np.searchsorted(values, array).astype(np.int32) for array in given]
    return positions, tuple(shown(str(value)) for value in values.tolist())
