"""What codes hold: how well labels are read from them, how near they are distributed to drawn ones, how steeply they
change with the image, and how much of them is used.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genctl.config.better import Better
from genctl.config.signatures import Count
from genctl.data.examples import Split
from genctl.errors import Unsuited
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.per_example import applied, encoded, mean_number, protocol

if TYPE_CHECKING:
    import tensorflow as tf

    from genctl.compute.context import Noise
    from genctl.strategies.parts.strategy import Batch, Strategy


NEGLIGIBLE = 0.01  # of the root mean square of all numbers of all codes


class Labelled(NamedTuple):
    """Codes (n, d) and their labels (n,)."""

    codes: np.ndarray
    labels: np.ndarray


class Probes:
    """Accuracy of a k-nearest-neighbours vote and of logistic regression from codes to labels.

    Both learn from the first `n_train` examples of the training split, the regression with each code number scaled to
    unit variance. n: how many examples they are tested on at most; None: the whole split.
    """

    needs, needs_labels = "encode", True
    better: Mapping[str, Better] = {"knn_accuracy": "higher", "linear_probe_accuracy": "higher"}

    def __init__(self, neighbours: Count, n_train: Count, n: Count | None) -> None:
        self.neighbours, self.n_train, self.n = neighbours, n_train, n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Let both learn from codes of training examples, and test them."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        strategy, train = evaluation.strategy, evaluation.train.first(self.n_train)
        assert strategy is not None
        check_enough(f"a vote of neighbours={self.neighbours}", self.neighbours, {"training examples": train.size})
        test = evaluation.real.first(self.n or evaluation.real.size)
        known, asked = labelled(strategy, train), labelled(strategy, test)
        if len(np.unique(known.labels)) < 2:
            raise Unsuited("probes of codes need training examples of 2 classes")
        probes: dict[str, tuple[Any, dict[str, Any]]] = {
            "knn_accuracy": (KNeighborsClassifier(self.neighbours), {"neighbours": self.neighbours}),
            "linear_probe_accuracy": (make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), {"C": 1.0}),
        }
        about = protocol(evaluation, test) | {"train": train.size, "encoder_sees_label": strategy.label_dim > 0}
        return [
            Number(name, float(probe.fit(*known).score(*asked)), "1", about | settings)
            for name, (probe, settings) in probes.items()
        ]


class AggregatePosterior:
    """Squared maximum mean discrepancy between codes of examples and codes that are drawn for new ones.

    An example's code is drawn from its posterior where that is random. Unbiased (Gretton et al. 2012, equation 3), with
    the inverse multiquadratic kernel C / (C + ||x - y||^2) of Tolstikhin et al. (2018, section 4), where C is the mean
    squared distance of two drawn codes: their 2 d for a standard normal prior. floor: two sets of drawn codes.
    """

    needs = "encode"
    better: Mapping[str, Better] = {"posterior_mmd2": "lower"}

    def __init__(self, n: Count) -> None:
        self.n = n

    def __call__(self, evaluation: Evaluation) -> Sequence[Number]:
        """Compare codes of the first `n` examples of the split with as many drawn ones."""
        strategy, split, seed = evaluation.strategy, evaluation.real.first(self.n), evaluation.seed
        assert strategy is not None
        if not strategy.can("sample"):
            raise Unsuited(f"{type(strategy).__name__} draws no codes that those of examples could be compared with")
        check_enough("the distribution of codes", 2, {"examples": split.size})

        def prior_codes(batch: "Batch", noise: "Noise") -> "tf.Tensor":
            return strategy.draw(strategy.condition(batch), noise)

        posterior = np.concatenate([*applied(strategy.draw_posterior, strategy, split, seed, "posterior")])
        prior, other = (
            np.concatenate([*applied(prior_codes, strategy, split, seed, purpose)])
            for purpose in ("prior", "another prior")
        )
        scale = 2 * float(prior.var(axis=0).sum())
        if scale == 0:
            raise Unsuited(f"the distribution of codes needs drawn codes that differ, and all {len(prior)} are equal")
        about = protocol(evaluation, split) | {"kernel": "inverse multiquadratic", "seed": seed}
        value, floor = (squared_mmd(codes, prior, scale) for codes in (posterior, other))
        return [Number("posterior_mmd2", value, "1", about, floor=floor)]


def labelled(strategy: "Strategy", split: Split) -> Labelled:
    """Codes of a split's examples, the means where they are random."""
    labels = split.take(np.arange(split.size)).labels
    assert labels is not None
    return Labelled(encoded(strategy, split), labels)


def squared_mmd(x: np.ndarray, y: np.ndarray, scale: float) -> float:
    """The unbiased estimate from (n, d) and (m, d), which can be below 0. scale: C of the kernel."""
    n, m = len(x), len(y)
    within_x = (_kernel_sum(x, x, scale) - n) / (n * (n - 1))  # without each code's kernel with itself, which is 1
    within_y = (_kernel_sum(y, y, scale) - m) / (m * (m - 1))
    return within_x + within_y - 2 * _kernel_sum(x, y, scale) / (n * m)


def _kernel_sum(x: np.ndarray, y: np.ndarray, scale: float) -> float:
    x, y = x.astype(np.float64), y.astype(np.float64)
    total = 0.0
    for rows in np.array_split(x, max(1, len(x) // 1000)):  # a part at a time, to bound the memory
        distances = np.square(rows).sum(axis=1)[:, None] + np.square(y).sum(axis=1) - 2 * rows @ y.T
        total += float((scale / (scale + np.maximum(distances, 0))).sum())
    return total


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
