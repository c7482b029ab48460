"""Features of samples and of real examples, and what a comparison of the two gives, with its floor."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from genctl.data.examples import Split
from genctl.errors import Unsuited
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.extract import cached_by, extract, extract_split
from genctl.metrics.features.extractor import Extractor
from genctl.metrics.features.feature_cache import Arrays
from genctl.metrics.features.training_data import count_classes
from genctl.metrics.per_example import protocol

ROUNDING = 1e-4  # what a distance of 0 may come out as, by the features' standard deviation


class Measured(NamedTuple):
    """A value with its unit and, where it is known, its standard error."""

    value: float
    unit: str = "1"
    error: float | None = None


Compare = Callable[[np.ndarray, np.ndarray], Mapping[str, Measured]]  # features of samples (n, d), of real (m, d)


def vectors(evaluation: Evaluation) -> "Vectors":
    """Features by the network that was asked for, else by the classifier where it has classes to tell apart, else by
    pixels; computed once for an evaluation.
    """

    from genctl.metrics.features.pixels import fit_pixels

    if evaluation.features is None and count_classes(evaluation.spec, evaluation.train) > 1:
        return classified(evaluation)
    if "vectors" not in evaluation.cache:
        evaluation.cache["vectors"] = Vectors(evaluation, (evaluation.features or fit_pixels)(evaluation=evaluation))
    return evaluation.cache["vectors"]


def classified(evaluation: Evaluation) -> "Vectors":
    """Features by the classifier of the data set's classes; computed once for an evaluation."""

    from genctl.metrics.features.classifier import train_classifier

    if evaluation.features and vectors(evaluation).extractor.classify:
        return vectors(evaluation)
    if "classified" not in evaluation.cache:
        evaluation.cache["classified"] = Vectors(evaluation, train_classifier(evaluation=evaluation))
    return evaluation.cache["classified"]


class Vectors:
    """The features of one evaluation by one network."""

    def __init__(self, evaluation: Evaluation, extractor: Extractor) -> None:
        self.evaluation, self.extractor = evaluation, extractor

    @functools.cached_property
    def samples(self) -> np.ndarray:
        """Of the samples, (n, d)."""
        images, step = self.evaluation.samples, self.extractor.batch
        blocks = (images[first : first + step] for first in range(0, len(images), step))
        return extract(self.extractor, self.evaluation.spec, blocks, len(images), "features of samples")

    @functools.cached_property
    def real(self) -> np.ndarray:
        """Of the real split, (m, d)."""
        return self.of(self.evaluation.real)

    def of(self, split: Split) -> np.ndarray:
        """Of all examples of a split, in its order; kept on disk."""
        return extract_split(self.extractor, self.evaluation.spec, split)

    @property
    def protocol(self) -> dict[str, Any]:
        """What every comparison of these features depends on."""
        evaluation = self.evaluation
        about = {"samples": evaluation.count, **protocol(evaluation, evaluation.real)}
        classes = {"sampled_classes": "as often as in training"} if evaluation.draws_classes else {}
        return {**self.extractor.protocol, **about, **classes, "seed": evaluation.seed}

    def compare(self, name: str, compare: Compare, **settings: Any) -> list[Number]:
        """The numbers that `compare` gives, each with its floor.

        The floor is what other real examples get in place of the samples: as many of them, or all that there are.
        name, settings: what floors are kept by, together with the features. The settings go into the protocol.
        """
        spare = self.evaluation.spare.first(self.evaluation.count)
        protocol = self.protocol | settings | {"floor": f"{spare.size} {spare.name}"}
        values = compare(self.samples, self.real)
        try:
            floors = self.floors(
                {"metric": name, "spare": spare, **settings},
                lambda: {one: measured.value for one, measured in compare(self.of(spare), self.real).items()},
            )
        except Unsuited:  # too few of them
            floors = {}
        return self.numbers(values, protocol, floors)

    def floors(self, key: Mapping[str, Any], compute: Callable[[], Mapping[str, float]]) -> dict[str, float]:
        """Values by name, computed once for this network and real split; `key` says what else they depend on.

        Raises Unsuited where one is not finite.
        """

        def make() -> Arrays:
            values = {name: np.asarray(value) for name, value in compute().items()}
            if not np.isfinite(list(values.values())).all():
                raise Unsuited("what real examples get in place of samples is not finite")
            return values

        arrays = cached_by(self.extractor, self.evaluation.spec, "floors", {"real": self.evaluation.real, **key}, make)
        return {name: float(value) for name, value in arrays.items()}

    def numbers(
        self, measured: Mapping[str, Measured], protocol: Mapping[str, Any], floors: Mapping[str, float]
    ) -> list[Number]:
        """Results by name, as metrics return them."""
        return [
            Number(f"{name}/{self.extractor.name}", one.value, one.unit, protocol, one.error, floors.get(name))
            for name, one in measured.items()
        ]
