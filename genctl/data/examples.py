"""Examples by position: what loaders return, and the splits that a run sees."""

import dataclasses
import functools
import hashlib
import mmap
from collections.abc import Mapping
from typing import Literal

import numpy as np

from genctl.compute.memory import require_memory
from genctl.data.spec import Spec
from genctl.data.survey import Survey

SplitName = Literal["train", "validation", "test"]
_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class Examples:
    """Examples and their labels, aligned.

    images: (n, h, w, c) or (n, d), uint8 or float32; may be a np.memmap.
    labels: (n,) int32 in [0, classes), or None. names: (n,) texts, what each was in the user's files, where its
    place alone does not say it.
    """

    images: np.ndarray
    labels: np.ndarray | None
    names: np.ndarray | None = None

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of shape, type and bytes of images and labels."""
        return fingerprint_of(self.images, self.labels)


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
        return hashlib.sha256(f"{self.pool.fingerprint} {fingerprint_of(self.positions)}".encode()).hexdigest()

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
    """What a loader returns; splits that are None are cut from `train` by the Dataset.

    left_out: what cannot be read, by its name, and why. survey: of image files, None for others.
    """

    spec: Spec
    train: Examples
    test: Examples | None = None
    validation: Examples | None = None
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    survey: Survey | None = None


def fingerprint_of(*arrays: np.ndarray | None) -> str:
    """SHA-256, in hex, of shape, type and bytes of arrays; None counts as nothing."""
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


def forget(array: np.ndarray) -> None:
    """Give back the pages of a memory-mapped array that were read: until then they count as this process' memory.

    They stay in the system's cache of the file while there is room. Arrays that are not mapped stay as they are.
    """
    pages = getattr(array, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
