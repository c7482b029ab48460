"""What a data set implies for networks and pictures; stored with a run, so that sampling needs no data."""

import dataclasses
import math
from typing import Any

import numpy as np

from genctl.errors import UserError


@dataclasses.dataclass(frozen=True)
class Spec:
    """Shapes and units of one data set.

    image_shape: (height, width, channels) for images, (features,) for vectors.
    class_names: one name a class, in the order of the labels; empty without labels.
    low, high: the stored values that become -1 and 1: numbers, or one number a feature for vectors.
    """

    name: str
    image_shape: tuple[int, ...]
    class_names: tuple[str, ...] = ()
    low: float | tuple[float, ...] = 0.0
    high: float | tuple[float, ...] = 255.0

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

    def to_stored(self, values: np.ndarray) -> np.ndarray:
        """Turn examples in [-1, 1] into uint8 images (n, h, w, c), or vectors (n, d) in the data's own units."""
        unit = (np.clip(np.asarray(values, np.float32), -1, 1) + 1) / 2
        if self.is_image:
            return np.round(unit * 255).astype(np.uint8)
        low, high = np.asarray(self.low, np.float32), np.asarray(self.high, np.float32)
        return (low + unit * (high - low)).astype(np.float32)

    def to_unit(self, stored: np.ndarray) -> np.ndarray:
        """Turn stored examples into float32 in [-1, 1]: the inverse of `to_stored`, for what a data set holds too.

        Images that are bytes have the range of bytes, whatever the range of the data set's own.
        """
        ends = (0.0, 255.0) if stored.dtype == np.uint8 else (self.low, self.high)
        low, high = (np.asarray(end, np.float32) for end in ends)
        return (stored.astype(np.float32) - low) * (2 / (high - low)) - 1

    def to_bytes(self, images: np.ndarray) -> np.ndarray:
        """Turn stored images, which may be floats in the units of this data set, into uint8."""
        return images if images.dtype == np.uint8 else self.to_stored(self.to_unit(images))

    def readable(self, values: np.ndarray) -> tuple[np.ndarray, "Spec"]:
        """Check a user's examples of this data set; return them with the spec that says what their numbers mean.

        Images may be uint8, or floats in the units of a data set of floats; vectors are in the data set's own units.
        """
        if self.is_image and values.ndim == 3 and self.image_shape[-1] == 1:
            values = values[..., None]
        if values.shape[1:] != self.image_shape or not len(values):
            wanted = ", ".join(map(str, self.image_shape))
            raise UserError(f"examples of shape {list(values.shape)}: this run takes (n, {wanted}), n at least 1.")
        if self.is_image and values.dtype == np.uint8:
            return values, dataclasses.replace(self, low=0.0, high=255.0)
        if values.dtype.kind not in "fiu" or (self.is_image and (values.dtype.kind != "f" or self.high == 255)):
            raise UserError(f"examples of type {values.dtype}: give {'uint8 images' if self.is_image else 'numbers'}.")
        if not np.isfinite(values).all():
            raise UserError("examples hold NaN or infinite values: leave these out.")
        return values.astype(np.float32), self

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
