"""A feature network: what turns examples into the vectors that samples and real examples are compared by."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genctl.config import files
from genctl.errors import UserError

MOST, NUMBERS = 500, 2**22  # examples in a batch, and numbers in them, at most
MOST_BYTES = 2**28  # of a file of weights; those of the largest network here have a third of that


@dataclasses.dataclass(frozen=True)
class Extractor:
    """One feature network with its weights.

    name: as it stands in the names of metrics. sha256: of the weights. facts: what else a protocol should say of it.
    made_of: plain types: what else its features depend on beside the weights. kept: whether that is all, so that
    features may be kept for later evaluations.
    features: examples float32 (n, ...) in [-1, 1] to vectors float32 (n, d). batch: examples that it takes at once.
    classify: vectors to classes (n,), where the network knows them.
    """

    name: str
    sha256: str
    features: Callable[[np.ndarray], np.ndarray]
    batch: int = MOST
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    made_of: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    kept: bool = True
    classify: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def key(self) -> dict[str, Any] | None:
        """All that its features depend on; None where that cannot be told."""
        return {"features": self.name, "sha256": self.sha256, **self.made_of} if self.kept else None

    @property
    def protocol(self) -> dict[str, Any]:
        """What one must know of it to compare numbers."""
        return {"features": self.name, "features_sha256": self.sha256[:12], **self.facts}


def batch_of(size: int) -> int:
    """How many examples of `size` numbers go through a network at once."""
    return max(1, min(MOST, NUMBERS // size))


def weights_at(weights: str, advice: str) -> Path:
    """The file that features.weights names; advice: where such a file is had. Raises UserError where none is there."""
    path = files.given(weights, "features.weights")
    if not path.exists():
        raise UserError(f"features.weights={weights} is not there: {advice}")
    return files.regular(path, MOST_BYTES)


def sha256_of(path: Path) -> str:
    """SHA-256, in hex, of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
