"""What metrics are given and what they return.

A metric is a callable of an Evaluation that returns Numbers; YAML names it and gives it its settings (configs/metrics).
`needs` is the ability that it asks of a strategy (see strategies.base.ABILITIES), or None where it asks for none.
One that compares classes also says `needs_labels`.
"""

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.data.base import Dataset, Split, SplitName
from genctl.data.progress import progress_bar
from genctl.data.spec import Spec
from genctl.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

    from genctl.metrics.features.base import Extractor
    from genctl.metrics.vectors import Vectors
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


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """One trained strategy (or a set of images that no run made) beside real data; what is costly is computed once.

    strategy: None where `images` are given. real: the split that samples are compared with. train: the training split,
    for feature networks and memorisation. test: real examples that training did not see. seed: of all randomness.
    count: how many samples metrics of samples take. features: makes the feature network; None: what suits the data.
    trust: packages whose names a config may use. pictures: what metrics draw, by name, for the caller to keep.
    """

    spec: Spec
    real: Split
    train: Split
    seed: int
    strategy: "Strategy | None" = None
    images: np.ndarray | None = None
    test: Split | None = None
    count: int = 10_000
    features: "Callable[..., Extractor] | None" = None
    trust: tuple[str, ...] = ()
    pictures: "dict[str, Image.Image]" = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Dataset, data: SplitName, seed: int, **further: Any) -> "Evaluation":
        """An evaluation beside one split of a data set. Raises UserError where that split is empty."""
        if not dataset.sizes[data]:
            raise UserError(f"data={data} is empty in this run: choose another.")
        test = dataset.split("test" if dataset.sizes["test"] else "validation")
        return cls(dataset.spec, dataset.split(data), dataset.split("train"), seed, test=test, **further)

    @property
    def spare(self) -> Split:
        """Real examples beside `real`: what they get in place of samples is the floor."""
        return self.train if self.real.name != "train" or self.test is None else self.test

    @functools.cached_property
    def vectors(self) -> "Vectors":
        """Features by the network that was asked for, else by the classifier where there are labels, else by pixels."""
        from genctl.metrics.features.pixels import pixels
        from genctl.metrics.vectors import Vectors

        if self.features is None and self.spec.label_dim:
            return self.classified
        return Vectors(self, (self.features or pixels)(evaluation=self))

    @functools.cached_property
    def classified(self) -> "Vectors":
        """Features by the classifier of the data set's classes."""
        from genctl.metrics.features.classifier import classifier
        from genctl.metrics.vectors import Vectors

        if self.features and self.vectors.extractor.classify:
            return self.vectors
        return Vectors(self, classifier(evaluation=self))

    @functools.cached_property
    def samples(self) -> np.ndarray:
        """`count` samples as they are stored: uint8 (count, h, w, c), or float32 (count, d) for vectors.

        Those of a run lie in a temporary file, so that memory does not grow with their count. Raises UserError where
        the strategy gives numbers that are not finite.
        """
        from genctl.sampling import Sampler

        if self.images is not None:
            return self.images[: self.count]
        assert self.strategy is not None
        with tempfile.TemporaryFile() as file, progress_bar("sampling", self.count, MofNCompleteColumn()) as advance:
            for batch in Sampler(self.strategy).sample_batches(self.count, self.seed):
                if not np.isfinite(batch).all():
                    raise UserError("the samples hold NaN or infinite values: the weights of this run are broken.")
                stored = self.spec.to_stored(batch)
                file.write(stored.tobytes())
                advance(len(batch))
            file.flush()
            return np.memmap(file, stored.dtype, "r", shape=(self.count, *stored.shape[1:]))


class Metric(Protocol):
    """Numbers about an evaluation. Raises Unsuited where the data are too few or not of the kind that it needs."""

    needs: str | None

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Compute the numbers."""


class Unsuited(UserError):
    """A metric cannot be had of this run or these data; passed over where it was not asked for by name."""


def check_suited(metric: Metric, evaluation: Evaluation) -> None:
    """Raise Unsuited where the family cannot do what the metric needs, or labels are missing."""
    name = type(metric).__name__
    if getattr(metric, "needs_labels", False) and not evaluation.spec.label_dim:
        raise Unsuited(f"{name} needs labels, and data set '{evaluation.spec.name}' has none")
    if metric.needs is None or (metric.needs == "sample" and evaluation.images is not None):
        return
    if evaluation.strategy is None:
        raise Unsuited(f"{name} needs a run that can {metric.needs}, not a set of images")
    if not evaluation.strategy.can(metric.needs):
        raise Unsuited(f"{name} needs a family that can {metric.needs}; {type(evaluation.strategy).__name__} cannot")
