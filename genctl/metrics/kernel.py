"""The kernel distance: unbiased squared maximum mean discrepancy of features (Binkowski et al. 2018, equation 4)."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from genctl.config.better import Better
from genctl.config.signatures import Count
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.vectors import Measured, vectors


class Kernel:
    """kernel_distance: 0 on average where both are drawn alike, whatever the number of samples; it may be negative.

    block: samples, and real examples, of one estimate; half of the smaller set where that is less. Both sets are
    shuffled before they are cut into blocks, since a set may come in the order of its classes.
    """

    needs = "sample"
    better: Mapping[str, Better] = {"kernel_distance": "lower"}

    def __init__(self, block: Annotated[Count, Field(ge=2)]) -> None:
        self.block = block

    def __call__(self, evaluation: Evaluation) -> list[Number]:
        """Compare the samples with the real split."""
        block = min(self.block, min(evaluation.count, evaluation.real.size) // 2)
        return vectors(evaluation).compare(
            "kernel", lambda samples, real: compare(samples, real, block), block=block, order="shuffled"
        )


def compare(samples: np.ndarray, real: np.ndarray, block: int) -> Mapping[str, Measured]:
    """The mean over disjoint blocks of features (n, d) and (m, d), and its standard error over them.

    Blocks have `block` examples of each, or less where there would be only one, drawn at random without replacement.
    Raises Unsuited for too few.
    """
    check_enough("the kernel distance", 4, {"samples": len(samples), "real examples": len(real)})
    samples, real = (np.random.default_rng(seed).permutation(one) for seed, one in enumerate((samples, real)))
    smaller = min(len(samples), len(real))
    size = min(block, smaller // 2)
    starts = range(0, smaller - size + 1, size)
    values = [discrepancy(samples[start : start + size], real[start : start + size]) for start in starts]
    return {
        "kernel_distance": Measured(float(np.mean(values)), "1", float(np.std(values, ddof=1) / len(values) ** 0.5))
    }


def discrepancy(samples: np.ndarray, real: np.ndarray) -> float:
    """The unbiased estimate of MMD^2 from n features of each, with the polynomial kernel of degree 3."""
    n = len(samples)
    within = [kernel(x, x) for x in (samples, real)]
    own = sum((matrix.sum() - np.trace(matrix)) / (n * (n - 1)) for matrix in within)
    return float(own - 2 * kernel(samples, real).mean())


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """k(x, y) = (x.y / d + 1)^3 for features (n, d) and (m, d): float64 (n, m)."""
    return (x.astype(np.float64) @ y.T.astype(np.float64) / x.shape[1] + 1) ** 3
