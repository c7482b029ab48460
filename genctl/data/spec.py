"""What a data set implies for networks and pictures; stored with a run, so that sampling needs no data."""

import dataclasses
import math
from typing import Any, Literal, cast

import numpy as np

from genctl.data.image_files import Interpolation
from genctl.data.ranges import BYTES, Known, Numbers, found_range
from genctl.data.storage import stored
from genctl.errors import UserError

Dtype = Literal["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32"]
_EXACT = 2.0**24  # up to which float32 holds every whole number


@dataclasses.dataclass(frozen=True)
class Spec:
    """Shapes and units of one data set.

    image_shape: (height, width, channels) for images, (features,) for vectors.
    class_names: one name a class, in the order of the labels; empty without labels.
    low, high: the data's own numbers that become -1 and 1: one each, or one a feature for vectors.
    dtype: the type of the data's own numbers; float32 for all floats. interpolation: how pictures are resized.
    decided: what was decided when the data were read, one line each, by what it is about; two specs are equal whatever
    it says.

    Images are stored as bytes, whose range is 0 to 255, or as float32 in the data's own numbers; vectors always so.
    """

    name: str
    image_shape: tuple[int, ...]
    class_names: tuple[str, ...] = ()
    low: float | tuple[float, ...] = 0.0
    high: float | tuple[float, ...] = 255.0
    dtype: Dtype = "uint8"
    interpolation: Interpolation = "lanczos"
    decided: dict[str, str] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def label_dim(self) -> int:
        """Number of classes; 0 without labels."""
        return len(self.class_names)

    @property
    def is_image(self) -> bool:
        """Whether an example is an image, not a vector."""
        return len(self.image_shape) == 3

    @property
    def size(self) -> int:
        """Numbers in one example."""
        return math.prod(self.image_shape)

    @property
    def known(self) -> Known:
        """What is known of images, for others that belong to them."""
        return Known((cast(float, self.low), cast(float, self.high)), np.dtype(self.dtype))

    def ends(self, dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray]:
        """The stored numbers of a type that become -1 and 1: float32 scalars, or (features,) for vectors."""
        low, high = BYTES if self.is_image and np.dtype(dtype) == np.uint8 else (self.low, self.high)
        return np.asarray(low, np.float32), np.asarray(high, np.float32)

    def to_own(self, values: np.ndarray) -> np.ndarray:
        """Turn examples in [-1, 1] into the data's own numbers, as they were given.

        Whole numbers are rounded to their type where their range has as many steps as bytes have; all else is float32.
        """
        if self.is_image and self.known.ends == BYTES:
            return as_bytes(values)
        low, high = self.ends()
        own = (low + _unit(values) * (high - low)).astype(np.float32)
        return np.round(own).astype(self.dtype) if self._rounds else own

    @property
    def _rounds(self) -> bool:
        if not self.is_image or self.dtype in ("bool", "uint8", "float32"):
            return False
        low, high = self.known.ends
        return high - low >= 255 and max(abs(low), abs(high)) <= _EXACT

    def to_unit(self, stored: np.ndarray) -> np.ndarray:
        """Turn stored examples, or what `to_own` gives, into float32 in [-1, 1]."""
        low, high = self.ends(stored.dtype)
        return (stored.astype(np.float32) - low) * (2 / (high - low)) - 1

    def to_bytes(self, images: np.ndarray) -> np.ndarray:
        """Turn stored images, or what `to_own` gives, into uint8."""
        return images if images.dtype == np.uint8 else as_bytes(self.to_unit(images))

    def readable(self, values: np.ndarray) -> np.ndarray:
        """Check a user's examples (n, ...) of this data set; return them as they are stored.

        The numbers of images are read by the rule of ranges.py; vectors are in the data set's own units. Raises
        UserError where they have another shape or are no numbers.
        """
        if self.is_image and values.ndim == 3 and self.image_shape[-1] == 1:
            values = values[..., None]
        if values.shape[1:] != self.image_shape or not len(values):
            wanted = ", ".join(map(str, self.image_shape))
            raise UserError(f"examples of shape {list(values.shape)}: this run takes (n, {wanted}), n at least 1.")
        if values.dtype.kind not in "fiub":
            raise UserError(f"examples of type {values.dtype}: give numbers.")
        if not np.isfinite(values).all():
            raise UserError("examples hold NaN or infinite values: leave these out.")
        if not self.is_image:
            return values.astype(np.float32)
        [ends] = found_range("examples", [Numbers.of(values)], None, self.known)
        return stored("examples", [(values, ends)], self.known.ends)[0]

    def to_json(self) -> dict[str, Any]:
        """Plain types, for `from_json`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Spec":
        """The inverse of `to_json`."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return cls(**values)


def dtype_name(dtype: np.dtype) -> Dtype:
    """The name of a type of numbers, as a spec has it."""
    return cast(Dtype, "float32" if dtype.kind == "f" else dtype.name)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Turn images in [-1, 1] into uint8, for pictures and for metrics."""
    return np.round(_unit(values) * 255).astype(np.uint8)


def _unit(values: np.ndarray) -> np.ndarray:
    """Values in [-1, 1] as float32 in [0, 1]."""
    return (np.clip(np.asarray(values, np.float32), -1, 1) + 1) / 2
