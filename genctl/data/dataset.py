"""The splits of a data set."""

import dataclasses
import functools
from typing import Annotated

from pydantic import Field

from genctl.data.examples import Source, Split, SplitName, fingerprint_of
from genctl.data.spec import Spec
from genctl.data.splits import arranged, cut, shuffled
from genctl.errors import UserError


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
    """The splits of a source, fixed by `split_seed` whatever the run's own seed is; and its `left_out` and `survey`.

    validation_fraction, test_fraction: of the training pool; they count only where the source has no such split of its
        own, and `validation_fraction` only where `folds` is None.
    stratify: cut so that every split has the classes as the pool has them.
    limit: the most examples of each split.
    folds, fold: with k folds, part `fold` of the pool validates and the other parts train.
    Raises UserError where the data are too few, or a setting does not suit them.
    """

    def __init__(
        self,
        source: Source,
        *,
        validation_fraction: Annotated[float, Field(ge=0, lt=1)],
        test_fraction: Annotated[float, Field(ge=0, lt=1)],
        stratify: bool,
        split_seed: Annotated[int, Field(ge=0)],
        limit: Annotated[int, Field(gt=0)] | None,
        folds: int | None,
        fold: int,
        augment: Augment,
    ):
        _check_augment(augment, source.spec)
        if stratify and source.train.labels is None:
            raise UserError(f"dataset.stratify=true needs labels, and '{source.spec.name}' has none: set it to false.")
        own = {"test": source.test, "validation": source.validation if folds is None else None}
        self.augment, self.left_out, self.survey = augment, source.left_out, source.survey
        self._pools = {name: pool for name, pool in own.items() if pool is not None}
        self._source = source
        fractions = {"validation": validation_fraction, "test": test_fraction} | dict.fromkeys(self._pools, 0.0)
        order = arranged(len(source.train.images), split_seed, source.train.labels if stratify else None)
        positions = cut(order, fractions["validation"], fractions["test"], folds, fold)
        positions |= {name: shuffled(len(pool.images), split_seed) for name, pool in self._pools.items()}
        self._positions = {name: places[:limit] for name, places in positions.items()}
        self.sizes = {name: len(places) for name, places in self._positions.items()}
        how = _how_cut(source, fractions, stratify, folds)
        self.spec = dataclasses.replace(source.spec, decided=source.spec.decided | {"splits": how})

    def split(self, name: SplitName) -> Split:
        """The examples of one split."""
        return Split(name, self._pools.get(name, self._source.train), self._positions[name])

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of shape, type and bytes of all images and labels of the source."""
        parts = [part for part in (self._source.train, self._source.validation, self._source.test) if part is not None]
        return fingerprint_of(*(array for part in parts for array in (part.images, part.labels)))


def _how_cut(source: Source, fractions: dict[str, float], stratify: bool, folds: int | None) -> str:
    """One line: where each split comes from."""
    own = source.spec.decided.get("splits")
    parts = [own] if own else []
    if not own and source.test is not None:
        parts.append("test is the data set's own")
    if folds is not None:
        parts.append(f"one of {folds} folds is validation")
        if source.validation is not None:
            parts.append("the data set's own validation split is not used with dataset.folds")
    for name, fraction in fractions.items():
        if fraction > 0 and not (folds and name == "validation"):
            parts.append(f"{name} is {fraction:.3g} of the training examples (dataset.{name}_fraction)")
    if stratify:
        parts.append("classes as in all of these (dataset.stratify)")
    return "; ".join(parts) or "all examples train"


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
