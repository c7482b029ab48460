"""Examples by position, and the splits of them that a run sees."""

import dataclasses
import functools
import hashlib
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from genctl.data.mapped import forget
from genctl.data.memory import require_memory
from genctl.data.spec import Spec
from genctl.data.splits import cut, shuffled
from genctl.errors import UserError

SplitName = Literal["train", "validation", "test"]
_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class Examples:
    """Examples and their labels, aligned.

    images: (n, h, w, c) or (n, d), uint8 or float32; may be a np.memmap.
    labels: (n,) int32 in [0, classes), or None.
    """

    images: np.ndarray
    labels: np.ndarray | None

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of shape, type and bytes of images and labels."""
        return _fingerprint(self.images, self.labels)


@dataclasses.dataclass(frozen=True)
class Split:
    """Which of a pool's examples belong to a split, in the split's shuffled order; nothing is copied yet."""

    name: str
    pool: Examples
    positions: np.ndarray

    @property
    def size(self) -> int:
        """Number of examples."""
        return len(self.positions)

    @property
    def bytes(self) -> int:
        """What a copy of the images takes."""
        return self.size * self.pool.images[:1].nbytes

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the pool and of which of its examples are in the split."""
        return hashlib.sha256(f"{self.pool.fingerprint} {_fingerprint(self.positions)}".encode()).hexdigest()

    def first(self, count: int) -> "Split":
        """The split's first `count` examples."""
        return dataclasses.replace(self, positions=self.positions[:count])

    def take(self, indices: np.ndarray) -> Examples:
        """Copy the examples at these places of the split; labels are 0 where there are none."""
        positions = self.positions[indices]
        labels = np.zeros(len(positions), np.int32) if self.pool.labels is None else self.pool.labels[positions]
        images = np.take(self.pool.images, positions, axis=0)
        forget(self.pool.images)
        return Examples(np.asarray(images), labels)

    def load(self) -> Examples:
        """Copy all examples into memory. Raises UserError where they are more than the free memory."""
        cure = "set trainer.resident=false, dataset.limit, or make the images smaller."
        require_memory(f"The {self.name} split", self.bytes, cure)
        return self.take(np.arange(self.size))


@dataclasses.dataclass(frozen=True)
class Source:
    """What a loader returns; where `test` is None, the Dataset cuts the test split from `train`."""

    spec: Spec
    train: Examples
    test: Examples | None


@dataclasses.dataclass(frozen=True)
class Augment:
    """Random changes of the training images.

    flip: mirror left to right with probability 1/2.
    shift: move by up to so many pixels each way; edge pixels are repeated.
    crop: the smallest part of each side's length that a random window keeps; the window is resized back. 1: no crop.
    """

    flip: bool = False
    shift: Annotated[int, Field(ge=0)] = 0
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0

    @property
    def enabled(self) -> bool:
        """Whether any change is on."""
        return self.flip or self.shift > 0 or self.crop < 1


class Dataset:
    """The splits of a source, fixed by `split_seed` whatever the run's own seed is.

    validation, test: fractions of the training pool; `test` counts only where the source has no test split, and
        `validation` only where `folds` is None.
    limit: the most examples of each split.
    folds, fold: with k folds, part `fold` of the pool validates and the other parts train.
    Raises UserError where the data are too few, or a setting does not suit them.
    """

    def __init__(
        self,
        source: Source,
        *,
        validation: Annotated[float, Field(ge=0, lt=1)],
        test: Annotated[float, Field(ge=0, lt=1)],
        split_seed: Annotated[int, Field(ge=0)],
        limit: Annotated[int, Field(gt=0)] | None,
        folds: int | None,
        fold: int,
        augment: Augment,
    ):
        _check_augment(augment, source.spec)
        self.spec = source.spec
        self.augment = augment
        self._source = source
        own_test = source.test is not None
        self._positions = cut(len(source.train.images), validation, 0.0 if own_test else test, split_seed, folds, fold)
        if source.test is not None:
            self._positions["test"] = shuffled(len(source.test.images), split_seed)
        self._positions = {name: positions[:limit] for name, positions in self._positions.items()}
        self.sizes = {name: len(positions) for name, positions in self._positions.items()}

    def split(self, name: SplitName) -> Split:
        """The examples of one split."""
        pool = self._source.test if name == "test" and self._source.test is not None else self._source.train
        return Split(name, pool, self._positions[name])

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of shape, type and bytes of all images and labels of the source."""
        parts = [self._source.train] + ([self._source.test] if self._source.test else [])
        return _fingerprint(*(array for part in parts for array in (part.images, part.labels)))


def _fingerprint(*arrays: np.ndarray | None) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            _hash(digest, array)
    return digest.hexdigest()


def _hash(digest: "hashlib._Hash", array: np.ndarray) -> None:
    """Feed an array to a digest in chunks, since a memory-mapped array may not fit in memory."""
    digest.update(f"{array.shape} {array.dtype.str} ".encode())
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).data)
        forget(array)


def _check_augment(augment: Augment, spec: Spec) -> None:
    if not augment.enabled:
        return
    if not spec.is_image:
        raise UserError(
            f"dataset.augment works on images, but the examples of '{spec.name}' are vectors of {spec.size} numbers: "
            "set dataset.augment.flip=false dataset.augment.shift=0 dataset.augment.crop=1."
        )
    side = min(spec.image_shape[:2])
    if augment.shift >= side:
        raise UserError(
            f"dataset.augment.shift={augment.shift} moves images of {side} pixels out of sight: set less than {side}."
        )
    if augment.crop * side < 1:
        raise UserError(
            f"dataset.augment.crop={augment.crop} keeps less than one of {side} pixels: set {1 / side:.3g} or more."
        )
