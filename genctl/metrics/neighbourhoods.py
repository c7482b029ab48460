"""Fidelity and diversity by nearest neighbours.

Precision and recall: Kynkäänniemi et al. 2019, equations 1 and 2. Density and coverage: Naeem et al. 2020, equations 4
and 5. A point's neighbourhood is the ball that reaches to its k-th nearest other point of the same set.
"""

from collections.abc import Mapping

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.config.better import Better
from genctl.config.signatures import Count
from genctl.data.bars import progress_bar
from genctl.errors import Unsuited
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.vectors import ROUNDING, Measured, vectors

BLOCK_BYTES = 2**26  # of the distances that are held at once
TIE = 1e-12  # of the squared lengths that a squared distance is computed from: what differs by less is equal


class Neighbourhoods:
    """precision, recall, density and coverage, by the same k."""

    needs = "sample"
    better: Mapping[str, Better] = dict.fromkeys(("precision", "recall", "density", "coverage"), "higher")

    def __init__(self, k: Count) -> None:
        self.k = k

    def __call__(self, evaluation: Evaluation) -> list[Number]:
        """Compare the samples with the real split."""
        k = self.k
        return vectors(evaluation).compare(
            "neighbourhoods", lambda samples, real: compare(samples, real, k), k=k, ties="outside"
        )


def compare(samples: np.ndarray, real: np.ndarray, k: int) -> Mapping[str, Measured]:
    """The four numbers of features (n, d) and (m, d).

    Raises Unsuited where either are not more than k, or each real example has k equal ones.

    precision: the share of samples in the neighbourhood of a real example. recall: the share of real examples in the
    neighbourhood of a sample. density: in how many real examples' neighbourhoods a sample is, by k. coverage: the share
    of real examples with a sample in their neighbourhood.
    """
    check_enough(f"neighbourhoods of k={k}", k + 1, {"samples": len(samples), "real examples": len(real)})
    centre = real.mean(axis=0, dtype=np.float64)  # near 0 the rounding of distances is least
    samples, real = samples - centre, real - centre
    real_reach, sample_reach = reach(real, k), reach(samples, k)
    if np.sqrt(max(real_reach.max(), 0)) <= ROUNDING * real.std():
        raise Unsuited(f"neighbourhoods of k={k} needs real examples that differ, and each has {k} equal ones")
    around = np.zeros(len(samples))
    recalled = np.zeros(len(real), bool)
    nearest = np.full(len(real), np.inf)
    rows = max(1, BLOCK_BYTES // (8 * len(real)))
    with progress_bar("neighbourhoods", len(samples), MofNCompleteColumn()) as advance:
        for first in range(0, len(samples), rows):
            block = slice(first, first + rows)
            distances = squared_distances(samples[block], real)
            around[block] = (distances < real_reach).sum(axis=1)
            recalled |= (distances < sample_reach[block, None]).any(axis=0)
            nearest = np.minimum(nearest, distances.min(axis=0))
            advance(len(distances))
    return {
        "precision": Measured(float(np.mean(around > 0))),
        "recall": Measured(float(np.mean(recalled))),
        "density": Measured(float(np.mean(around) / k)),
        "coverage": Measured(float(np.mean(nearest < real_reach))),
    }


def reach(points: np.ndarray, k: int) -> np.ndarray:
    """The squared distance of each point to its k-th nearest other one, less what rounding may have added: (n,).

    A point at just that distance is outside, as in the definitions; computed twice, the two would differ by rounding.
    """
    rows = max(1, BLOCK_BYTES // (8 * len(points)))
    blocks = (points[first : first + rows] for first in range(0, len(points), rows))
    distances = np.concatenate(
        [np.partition(squared_distances(block, points), k, axis=1)[:, k] for block in blocks]  # the 0th is to itself
    )
    return distances - TIE * (distances + np.square(points).sum(axis=1))


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Between every two points of (n, d) and (m, d): (n, m)."""
    from sklearn.metrics import euclidean_distances

    return euclidean_distances(x, y, squared=True)
