"""What metrics are given and what they return.

A metric is a callable of an Evaluation that returns Numbers; YAML names it and gives it its settings (configs/metrics).
`needs` is the ability that it asks of a strategy (see ABILITIES in strategies/parts/strategy.py), or None where it
asks for none. One that compares classes also says `needs_labels`; one whose numbers are better the lower or the higher
they are says so in `better`, by their names.
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

from genctl.config.better import Better
from genctl.config.printing import printable
from genctl.data.bars import progress_bar
from genctl.data.dataset import Dataset
from genctl.data.examples import Split, SplitName
from genctl.data.spec import Spec, as_bytes
from genctl.errors import Unsuited, UserError
from genctl.metrics.features.training_data import check_classes

if TYPE_CHECKING:
    from PIL import Image

    from genctl.metrics.features.extractor import Extractor
    from genctl.strategies.parts.strategy import Strategy


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

    error: its standard error, where it is known. floor: what real data get by the same protocol. better: which values
    are the better ones; None where neither are.
    protocol: plain types: feature network and its hash, counts, split, binarisation, k, seed, …
    """

    metric: Words
    value: FiniteFloat
    unit: Words
    protocol: Facts
    error: FiniteFloat | None = None
    floor: FiniteFloat | None = None
    better: Better | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """One trained strategy (or a set of images that no run made) beside real data; what is costly is computed once.

    strategy: None where `images` are given. real: the split that samples are compared with. train: the training split,
    for feature networks and memorisation. test: real examples that training did not see. seed: of all randomness.
    count: how many samples metrics of samples take. features: makes the feature network; None: what suits the data.
    trust: packages whose names a config may use. pictures: what metrics draw, by name, for the caller to keep.
    prepared: what was done to the examples before, for the protocols of all numbers. cache: what was computed once.
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
    cache: dict[str, Any] = dataclasses.field(default_factory=dict, init=False)

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
        """`count` samples: images as bytes (count, h, w, c), whatever the data are; vectors float32 (count, d).

        Those of a run lie in a temporary file, so that memory does not grow with their count. Raises UserError where
        the strategy gives numbers that are not finite.
        """
        from genctl.runs.sampler import Sampler

        if self.images is not None:
            return self.images[: self.count]
        assert self.strategy is not None
        with tempfile.TemporaryFile() as file, progress_bar("sampling", self.count, MofNCompleteColumn()) as advance:
            for batch in Sampler(self.strategy).sample_batches(self.sampled_classes(), self.seed):
                if not np.isfinite(batch).all():
                    raise UserError("the samples hold NaN or infinite values: the weights of this run are broken.")
                stored = as_bytes(batch) if self.spec.is_image else self.spec.to_own(batch)
                file.write(stored.tobytes())
                advance(len(batch))
            file.flush()
            return np.memmap(file, stored.dtype, "r", shape=(self.count, *stored.shape[1:]))


class Metric(Protocol):
    """Numbers about an evaluation. Raises Unsuited where the data are too few or not of the kind that it needs."""

    needs: str | None

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Compute the numbers."""


def check_suited(metric: Metric, evaluation: Evaluation) -> None:
    """Raise Unsuited where the family cannot do what the metric needs, or labels of two classes are missing."""
    name = type(metric).__name__
    if getattr(metric, "needs_labels", False):
        check_classes(name, evaluation.spec, evaluation.train)
    if metric.needs is None or (metric.needs == "sample" and evaluation.images is not None):
        return
    if evaluation.strategy is None:
        raise Unsuited(f"{name} needs a run that can {metric.needs}, not a set of images")
    if not evaluation.strategy.can(metric.needs):
        raise Unsuited(f"{name} needs a family that can {metric.needs}; {type(evaluation.strategy).__name__} cannot")


def measured(metric: Metric, evaluation: Evaluation) -> list[Number]:
    """The metric's numbers. Raises Unsuited where any is not finite: such a number is neither shown nor kept."""
    better = getattr(metric, "better", {})
    numbers = [dataclasses.replace(one, better=better.get(one.metric.split("/")[0])) for one in metric(evaluation)]
    for number in numbers:
        values = {number.metric: number.value, "standard error": number.error, "floor": number.floor}
        try:
            _finite({**number.protocol, **values})
        except ValueError as error:
            raise Unsuited(f"{error}, which is no result") from error
    return numbers
