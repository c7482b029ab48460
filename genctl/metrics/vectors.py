"""Features of samples and of real examples, and what a comparison of the two gives, with its floor."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.data.base import Split
from genctl.data.progress import progress_bar
from genctl.metrics.base import Evaluation, Number, Unsuited
from genctl.metrics.features.base import Extractor
from genctl.metrics.kept import Arrays, kept


class Measured(NamedTuple):
    """A value with its unit and, where it is known, its standard error."""

    value: float
    unit: str = "1"
    error: float | None = None


Compare = Callable[[np.ndarray, np.ndarray], Mapping[str, Measured]]  # features of samples (n, d), of real (m, d)


def check_enough(metric: str, least: int, samples: np.ndarray, real: np.ndarray) -> None:
    """Raise Unsuited where there are fewer than `least` of either."""
    for name, count in (("samples", len(samples)), ("real examples", len(real))):
        if count < least:
            raise Unsuited(f"{metric} needs at least {least} {name}, and there are {count}")


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

        key = {"network": self.extractor.sha256, "split": split.fingerprint}
        return kept("features", key, extract)[0]["features"]

    def _extract(self, blocks: Iterator[np.ndarray], total: int, what: str) -> np.ndarray:
        parts = []
        with progress_bar(what, total, MofNCompleteColumn()) as advance:
            for block in blocks:
                parts.append(self.extractor.features(self.evaluation.spec.to_unit(block)))
                advance(len(block))
        return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)

    @property
    def protocol(self) -> dict[str, Any]:
        """What every comparison of these features depends on."""
        real = self.evaluation.real
        return {
            **self.extractor.protocol,
            "samples": self.evaluation.count,
            "split": real.name,
            "real": real.size,
            "data": f"{self.evaluation.spec.name} {real.fingerprint[:12]}",
            "seed": self.evaluation.seed,
        }

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
                {"metric": name, "spare": spare.fingerprint, **settings},
                lambda: {one: measured.value for one, measured in compare(self.of(spare), self.real).items()},
            )
        except Unsuited:  # too few of them
            floors = {}
        return self.numbers(found, protocol, floors)

    def floors(self, key: Mapping[str, Any], compute: Callable[[], Mapping[str, float]]) -> dict[str, float]:
        """Values by name, computed once for this network and real split; `key` says what else they depend on."""
        full = {"network": self.extractor.sha256, "real": self.evaluation.real.fingerprint, **key}
        arrays, _ = kept("floors", full, lambda: {name: np.asarray(value) for name, value in compute().items()})
        return {name: float(value) for name, value in arrays.items()}

    def numbers(
        self, found: Mapping[str, Measured], protocol: Mapping[str, Any], floors: Mapping[str, float]
    ) -> list[Number]:
        """Results by name, as metrics return them."""
        return [
            Number(f"{name}/{self.extractor.name}", one.value, one.unit, protocol, one.error, floors.get(name))
            for name, one in found.items()
        ]
