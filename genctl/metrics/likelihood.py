"""How probable real examples are under a model with codes, in bounds from below, and what its codes are used for."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from genctl.config.better import Better
from genctl.config.signatures import Count
from genctl.errors import Unsuited
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.per_example import encoded, mean_number, protocol

Binarization = Literal["none", "fixed", "dynamic"]
BYTES = 255.0  # widths of a grey level in the range of intensities


class Likelihood:
    """Bounds of log p(x) from `k` codes of each example, in nats, as means over examples.

    elbo: the mean of log w, w = p(x, z) / q(z | x), over codes z drawn from q; it is -distortion - rate.
    importance_weighted_bound: log of the mean of w (Burda et al. 2016, equation 8); it grows towards log p(x) with k.
    bits_per_dimension: from that, where the likelihood is one of the data; the protocol says of what.

    binarization: what is done to the intensities first: none; fixed: 1 from 0.5 on, else 0; dynamic: 1 with the
    intensity as probability, drawn once from the evaluation's seed; None: what was done in training.
    n: how many examples at most; None: all.
    """

    needs = "likelihood"
    better: Mapping[str, Better] = {
        "importance_weighted_bound": "higher",
        "elbo": "higher",
        "distortion": "lower",
        "bits_per_dimension": "lower",
    }

    def __init__(self, k: Count, n: Count | None, binarization: Binarization | None) -> None:
        self.k, self.n, self.binarization = k, n, binarization

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Draw k codes of each of the first `n` examples."""
        from genctl.metrics.marginal_likelihood import bounds

        strategy, split = evaluation.strategy, evaluation.real.first(self.n or evaluation.real.size)
        assert strategy is not None
        measure, binarization = strategy.likelihood.measure, self.binarization or strategy.binarization
        if binarization != "none" and measure != "binary":
            raise Unsuited(f"binarization={binarization} needs a model of binary data: model.likelihood=bernoulli")
        values_by_name = bounds(strategy, split, self.k, binarization, evaluation.seed)
        about = protocol(evaluation, split) | {"k": self.k, "binarization": binarization, "seed": evaluation.seed}
        numbers = [mean_number(name, values, "nats", about) for name, values in values_by_name.items()]
        bits = -values_by_name["importance_weighted_bound"] / (evaluation.spec.size * math.log(2))
        if measure == "binary" and binarization != "none":
            numbers.append(mean_number("bits_per_dimension", bits, "bits", about | {"of": "binary pixels"}))
        if measure == "bytes":
            numbers.append(mean_number("bits_per_dimension", bits, "bits", about | {"of": "bytes"}))
        if measure == "density" and evaluation.spec.is_image:
            of = {"of": "density of intensities times a grey level's width"}
            numbers.append(mean_number("bits_per_dimension", bits + math.log2(BYTES), "bits", about | of))
        return numbers


class ActiveUnits:
    """How many numbers of the codes vary with the example: the variance of their means is above 0.01.

    Intensities are binarised as in training. n: how many examples at most; None: the whole split.
    """

    needs = "likelihood"
    better: Mapping[str, Better] = {"active_units": "higher"}

    def __init__(self, n: Count | None) -> None:
        self.n = n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Encode the first `n` examples."""
        strategy, split = evaluation.strategy, evaluation.real.first(self.n or evaluation.real.size)
        assert strategy is not None
        from genctl.metrics.marginal_likelihood import binarized
        from genctl.objectives.bounds import ACTIVE

        check_enough("the variance of codes", 2, {"examples": split.size})
        means = encoded(strategy, binarized(strategy, split, strategy.binarization, evaluation.seed))
        about = protocol(evaluation, split) | {"threshold": ACTIVE, "binarization": strategy.binarization}
        return [Number("active_units", float(active(means, ACTIVE)), f"of {strategy.code_dim}", about)]


def active(means: np.ndarray, threshold: float) -> int:
    """How many numbers of posterior means (n, d) vary more than that (Burda et al. 2016, section 5.2)."""
    return int((means.astype(np.float64).var(axis=0) > threshold).sum())
