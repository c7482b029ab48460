"""Which example belongs to which split."""

import numpy as np

from genctl.errors import UserError


def shuffled(count: int, seed: int) -> np.ndarray:
    """Return the positions 0..count-1 in an order that depends on the seed alone."""
    return np.random.default_rng(seed).permutation(count)


def arranged(count: int, seed: int, labels: np.ndarray | None) -> np.ndarray:
    """Return the positions 0..count-1 in an order that depends on the seed alone.

    labels: (count,) classes; with them every run of the order has the classes as the whole has them, to one example.
    """
    order = shuffled(count, seed)
    if labels is None:
        return order
    spread = np.empty(count)
    for label in np.unique(labels):
        places = np.flatnonzero(labels[order] == label)
        spread[places] = (np.arange(len(places)) + 0.5) / len(places)
    return order[np.argsort(spread, kind="stable")]


def cut(order: np.ndarray, validation: float, test: float, folds: int | None, fold: int) -> dict[str, np.ndarray]:
    """Cut positions, in their order, into disjoint "train", "validation" and "test"; all folds share the test split.

    A fraction above 0 gives at least one example. Raises UserError where a split would have to stay empty.
    """
    count = len(order)
    _check_folds(folds, fold)
    _check_count(count, validation, test, folds)
    tested = _part(test, count)
    pool = order[tested:]
    if folds is None:
        held = _part(validation, count)
        parts = [pool[:held], pool[held:]]
        fold = 0
    else:
        parts = np.array_split(pool, folds)
    validated = parts.pop(fold)
    train = np.concatenate(parts)
    if len(train) == 0:
        raise UserError(
            f"dataset.validation_fraction={validation} and dataset.test_fraction={test} leave none of {count} examples "
            "to train on: set smaller fractions."
        )
    return {"train": train, "validation": validated, "test": order[:tested]}


def _part(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction > 0 else 0


def _check_folds(folds: int | None, fold: int) -> None:
    if folds is None:
        if fold != 0:
            raise UserError(f"dataset.fold={fold} needs dataset.folds: set dataset.folds=5, or dataset.fold=0.")
        return
    if folds < 2:
        raise UserError(f"dataset.folds={folds} must be 2 or more, or null for no cross-validation.")
    if not 0 <= fold < folds:
        raise UserError(f"dataset.fold={fold} must be between 0 and {folds - 1}, as dataset.folds={folds}.")


def _check_count(count: int, validation: float, test: float, folds: int | None) -> None:
    pool = folds or 1 + (validation > 0)
    needed = max(2, pool + (test > 0))
    if count < needed:
        cure = "a smaller dataset.folds" if folds else "dataset.validation_fraction=0 or dataset.test_fraction=0"
        raise UserError(
            f"The data set needs at least {needed} training examples for its splits, but has {count}: add examples"
            + (f", or set {cure}." if count > 1 else ".")
        )
