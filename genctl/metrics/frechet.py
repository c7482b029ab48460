"""The Fréchet distance of Gaussians fitted to features (Heusel et al. 2017, equation 6).

d^2 = |m - n|^2 + tr(C + D - 2 (C D)^(1/2))
"""

from collections.abc import Mapping

import numpy as np

from genctl.config.better import Better
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.vectors import Measured, vectors


class Frechet:
    """frechet_distance: 0 where means and covariances agree. It falls with the number of samples."""

    needs = "sample"
    better: Mapping[str, Better] = {"frechet_distance": "lower"}

    def __call__(self, evaluation: Evaluation) -> list[Number]:
        """Compare the samples with the real split."""
        return vectors(evaluation).compare("frechet", compare)


def compare(samples: np.ndarray, real: np.ndarray) -> Mapping[str, Measured]:
    """The squared distance of features (n, d) and (m, d). Raises Unsuited where there are less than two."""
    check_enough("the Fréchet distance", 2, {"samples": len(samples), "real examples": len(real)})
    return {"frechet_distance": Measured(distance(*moments(samples), *moments(real)))}


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and covariance (d, d), float64."""
    exact = features.astype(np.float64)
    return exact.mean(axis=0), np.atleast_2d(np.cov(exact, rowvar=False))


def distance(mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray) -> float:
    """The squared distance of two Gaussians.

    The trace of (C D)^(1/2) is the sum of the roots of the eigenvalues of C^(1/2) D C^(1/2), which is symmetric.
    """
    values, basis = np.linalg.eigh(covariance)
    root = (basis * np.sqrt(np.maximum(values, 0))) @ basis.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
    apart = np.sum((mean - other_mean) ** 2)
    return float(apart + np.trace(covariance) + np.trace(other_covariance) - 2 * shared)
