"""How an encoder answers to an image: how steeply its code changes, and how much of the code it uses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genctl.config.signatures import Count
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.per_example import applied, encoded, mean_number, protocol

if TYPE_CHECKING:
    import tensorflow as tf

    from genctl.compute.context import Noise
    from genctl.strategies.parts.strategy import Batch

NEGLIGIBLE = 0.01  # of the root mean square of all numbers of all codes


class Slope:
    """Mean over examples of ||dE(x)/dx||_F^2, for intensities x in [0, 1] (Rifai et al. 2011, equation 2).

    projections: random directions an example that estimate it. n: how many examples at most; None: the whole split.
    """

    needs = "encode"

    def __init__(self, projections: Count, n: Count | None) -> None:
        self.projections, self.n = projections, n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Differentiate the codes of the first examples of the split; the means where they are random."""
        import tensorflow as tf

        from genctl.objectives.regularizers import jacobian_norms

        strategy, split = evaluation.strategy, evaluation.real.first(self.n or evaluation.real.size)
        assert strategy is not None

        def slopes(batch: "Batch", noise: "Noise") -> "tf.Tensor":
            image = tf.identity(batch["image"])
            return 4 * jacobian_norms(strategy.encode({**batch, "image": image}), image, noise, self.projections)

        values = np.concatenate([*applied(slopes, strategy, split, evaluation.seed, "slope")])
        about = protocol(evaluation, split) | {"projections": self.projections, "seed": evaluation.seed}
        return [mean_number("code_slope", values, "squared units of code an intensity", about)]


class ActiveShare:
    """Mean over examples of the share of a code's numbers that are not negligible: low for sparse codes.

    n: how many examples at most; None: the whole split.
    """

    needs = "encode"

    def __init__(self, n: Count | None) -> None:
        self.n = n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Encode the first examples of the split."""
        strategy, split = evaluation.strategy, evaluation.real.first(self.n or evaluation.real.size)
        assert strategy is not None
        codes = encoded(strategy, split)
        about = protocol(evaluation, split) | {"negligible": NEGLIGIBLE}
        return [mean_number("active_share", active_shares(codes), "1", about)]


def active_shares(codes: np.ndarray) -> np.ndarray:
    """Of each code (n, d) the share of its numbers whose magnitude is above NEGLIGIBLE."""
    threshold = NEGLIGIBLE * np.sqrt(np.mean(np.square(codes, dtype=np.float64)))
    return np.mean(np.abs(codes) > threshold, axis=1)
