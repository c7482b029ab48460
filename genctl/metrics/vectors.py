"""Features of samples and of real examples, and what a comparison of the two gives, with its floor."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.data.base import Split
from genctl.data.progress import progress_bar
from genctl.errors import UserError
from genctl.metrics.base import Evaluation, Number, Unsuited
from genctl.metrics.examples import protocol
from genctl.metrics.features.base import Extractor
from genctl.metrics.kept import Arrays, kept

ROUNDING = 1e-4  # what a distance of 0 may come out as, by the features' standard deviation


class Measured(NamedTuple):
    """A value with its unit and, where it is known, its standard error."""

    value: float
    unit: str = "1"
    error: float | None = None


Compare = Callable[[np.ndarray, np.ndarray], Mapping[str, Measured]]  # features of samples (n, d), of real (m, d)


class Vectors:
    """The features of one evaluation by one network."""

    def __init__(self, evaluation: Evaluation, extractor: Extractor) -> None:
        self.evaluation, self.extractor = evaluation, extractor

    @functools.cached_property
    def samples(self) -> np.ndarray:
        """Of the samples, (n, d)."""
        images, step = self.evaluation.samples, self.extractor.batch
        blocks = (images[first : first + step] for first in range(0, len(images), step))
        return self._extract(blocks, len(images), "features of samples")

    @functools.cached_property
    def real(self) -> np.ndarray:
        """Of the real split, (m, d)."""
        return self.of(self.evaluation.real)

    def of(self, split: Split) -> np.ndarray:
        """Of all examples of a split, in its order; kept on disk."""

        def extract() -> Arrays:
            places, step = np.arange(split.size), self.extractor.batch
            blocks = (split.take(places[first : first + step]).images for first in range(0, split.size, step))
            return {"features": self._extract(blocks, split.size, f"features of {split.name} examples")}

        return self._kept("features", {"split": split}, extract)["features"]

    def _extract(self, blocks: Iterator[np.ndarray], total: int, what: str) -> np.ndarray:
        parts = []
        with progress_bar(what, total, MofNCompleteColumn()) as advance:
            for block in blocks:
                parts.append(self._features(block))
                advance(len(block))
        return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)

    def _features(self, block: np.ndarray) -> np.ndarray:
        found = self.extractor.features(self.evaluation.spec.to_unit(block))
        if not np.isfinite(found).all():
            raise UserError(
                f"features={self.extractor.name}: the network gives NaN or infinite values: its weights are broken. "
                "Choose others, such as features=pixels."
            )
        return found

    def _kept(self, kind: str, key: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
        """Arrays that depend on the network and on what `key` says; kept where all of that is known."""
        network = self.extractor.key
        return make() if network is None else kept(kind, self.evaluation.spec, {"network": network, **key}, make)[0]

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
        found = compare(self.samples, self.real)
        try:
            floors = self.floors(
                {"metric": name, "spare": spare, **settings},
                lambda: {one: measured.value for one, measured in compare(self.of(spare), self.real).items()},
            )
        except Unsuited:  # too few of them
            floors = {}
        return self.numbers(found, protocol, floors)

    def floors(self, key: Mapping[str, Any], compute: Callable[[], Mapping[str, float]]) -> dict[str, float]:
        """Values by name, computed once for this network and real split; `key` says what else they depend on.

        Raises Unsuited where one is not finite.
        """

        def make() -> Arrays:
            values = {name: np.asarray(value) for name, value in compute().items()}
            if not np.isfinite(list(values.values())).all():
                raise Unsuited("what real examples get in place of samples is not finite")
            return values

        arrays = self._kept("floors", {"real": self.evaluation.real, **key}, make)
        return {name: float(value) for name, value in arrays.items()}

    def numbers(
        self, found: Mapping[str, Measured], protocol: Mapping[str, Any], floors: Mapping[str, float]
    ) -> list[Number]:
        """Results by name, as metrics return them."""
        return [
            Number(f"{name}/{self.extractor.name}", one.value, one.unit, protocol, one.error, floors.get(name))
            for name, one in found.items()
        ]
