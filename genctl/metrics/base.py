"""What metrics are given and what they return.

A metric is a callable of an Evaluation that returns Numbers; YAML names it and gives it its settings (configs/metrics).
`needs` is the ability that it asks of a strategy (see strategies.base.ABILITIES), or None where it asks for none.
One that compares classes also says `needs_labels`.
"""

import dataclasses
import functools
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import numpy as np
from pydantic import AfterValidator, FiniteFloat
from rich.progress import MofNCompleteColumn

from genctl.data.base import Dataset, Split, SplitName
from genctl.data.progress import progress_bar
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.printing import printable

if TYPE_CHECKING:
    from PIL import Image

    from genctl.metrics.features.base import Extractor
    from genctl.metrics.vectors import Vectors
    from genctl.strategies.base import Strategy


def _plain(text: str) -> str:
    if printable(text) != text:
        raise ValueError("should hold no character that a terminal obeys")
    return text


def _finite(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in facts.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} comes out as {value}")
    return facts


Words = Annotated[str, AfterValidator(_plain)]
Facts = Annotated[Mapping[str, Any], AfterValidator(_finite)]


@dataclasses.dataclass(frozen=True)
class Number:
    """One result, with all that one must know to compare it: numbers are put side by side only under equal protocols.

    error: its standard error, where it is known. floor: what real data get by the same protocol.
    protocol: plain types: feature network and its hash, counts, split, binarisation, k, seed, …
    """

    metric: Words
    value: FiniteFloat
    unit: Words
    protocol: Facts
    error: FiniteFloat | None = None
    floor: FiniteFloat | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """One trained strategy (or a set of images that no run made) beside real data; what is costly is computed once.

    strategy: None where `images` are given. real: the split that samples are compared with. train: the training split,
    for feature networks and memorisation. test: real examples that training did not see. seed: of all randomness.
    count: how many samples metrics of samples take. features: makes the feature network; None: what suits the data.
    trust: packages whose names a config may use. pictures: what metrics draw, by name, for the caller to keep.
    prepared: what was done to the examples before, for the protocols of all numbers.
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
    prepared: Mapping[str, str] = dataclasses.field(default_factory=dict)

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
    def trained_classes(self) -> int:
        """Of how many classes the training split has examples; 0 without labels."""
        labels = self.train.pool.labels if self.spec.label_dim else None
        return 0 if labels is None else len(np.unique(labels[self.train.positions]))

    @functools.cached_property
    def vectors(self) -> "Vectors":
        """Features by the network that was asked for, else by the classifier where it has classes to tell apart, else
        by pixels.
        """
        from genctl.metrics.features.pixels import pixels
        from genctl.metrics.vectors import Vectors

        if self.features is None and self.trained_classes > 1:
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

    @property
    def draws_classes(self) -> bool:
        """Whether samples are of a run that is given classes."""
        return self.images is None and self.strategy is not None and self.strategy.label_dim > 0

    def sampled_classes(self) -> np.ndarray:
        """Numbers of the classes of the samples, (count,): drawn as often as the training split has them."""
        labels = self.train.pool.labels
        if not self.draws_classes or labels is None:
            return np.zeros(self.count, np.int64)
        return np.random.default_rng(self.seed).choice(labels[self.train.positions], self.count)

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
            for batch in Sampler(self.strategy).sample_batches(self.sampled_classes(), self.seed):
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
    """Raise Unsuited where the family cannot do what the metric needs, or labels of two classes are missing."""
    name = type(metric).__name__
    if getattr(metric, "needs_labels", False):
        check_classes(name, evaluation)
    if metric.needs is None or (metric.needs == "sample" and evaluation.images is not None):
        return
    if evaluation.strategy is None:
        raise Unsuited(f"{name} needs a run that can {metric.needs}, not a set of images")
    if not evaluation.strategy.can(metric.needs):
        raise Unsuited(f"{name} needs a family that can {metric.needs}; {type(evaluation.strategy).__name__} cannot")


def check_classes(name: str, evaluation: Evaluation) -> None:
    """Raise Unsuited, beginning with `name`, where no two classes could be learnt from the training split."""
    if not evaluation.spec.label_dim:
        raise Unsuited(f"{name} needs labels, and data set '{evaluation.spec.name}' has none")
    if evaluation.trained_classes < 2:
        raise Unsuited(
            f"{name} needs training examples of 2 classes, and there are some of {evaluation.trained_classes}"
        )


def check_enough(name: str, least: int, counts: Mapping[str, int]) -> None:
    """Raise Unsuited, beginning with `name`, where there are fewer than `least` of anything; counts: by what it is."""
    for what, count in counts.items():
        if count < least:
            raise Unsuited(f"{name} needs at least {least} {what}, and there are {count}")


def measured(metric: Metric, evaluation: Evaluation) -> list[Number]:
    """The metric's numbers. Raises Unsuited where any is not finite: such a number is neither shown nor kept."""
    numbers = list(metric(evaluation))
    for number in numbers:
        values = {number.metric: number.value, "standard error": number.error, "floor": number.floor}
        try:
            _finite({**number.protocol, **values})
        except ValueError as error:
            raise Unsuited(f"{error}, which is no result") from error
    return numbers
