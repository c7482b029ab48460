"""What metrics are given and what they return.

A metric is a callable of an Evaluation that returns Numbers; YAML names it and gives it its own settings (configs/metrics).
`needs` is the ability that it asks of a strategy (see strategies.base.ABILITIES), or None where images alone will do.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genctl.data.base import Split
from genctl.data.spec import Spec

if TYPE_CHECKING:
    from genctl.strategies.base import Strategy


@dataclasses.dataclass(frozen=True)
class Number:
    """One result, with all that one must know to compare it: numbers are put side by side only under equal protocols.

    error: its standard error, where it is known. floor: what real data get by the same protocol.
    protocol: plain types: feature network and its hash, counts, split, binarisation, k, seed, …
    """

    metric: str
    value: float
    unit: str
    protocol: Mapping[str, Any]
    error: float | None = None
    floor: float | None = None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One trained strategy (or a set of images that no run made) beside real data; what is costly is computed once.

    strategy: None where `images` are given. real: the split that samples are compared with. train: the training split,
    for feature networks and memorisation. seed: of all randomness.
    """

    spec: Spec
    real: Split
    train: Split
    seed: int
    strategy: "Strategy | None" = None
    images: np.ndarray | None = None

    @functools.lru_cache(maxsize=1)  # noqa: B019 - an Evaluation lives as long as its metrics
    def samples(self, count: int) -> np.ndarray:
        """`count` samples as they are stored: uint8 (count, h, w, c), or float32 (count, d) for vectors."""
        if self.images is not None:
            return self.images[:count]
        from genctl.sampling import Sampler

        batches = Sampler(self.strategy).sample_batches(count, self.seed)
        return np.concatenate([self.spec.to_stored(batch) for batch in batches])


class Metric(Protocol):
    """Numbers about an evaluation."""

    needs: str | None

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]: ...
