"""Whether samples are spread over the classes as real examples are, by the classifier's judgement of both."""

import functools
from collections.abc import Callable, Mapping

import numpy as np

from genctl.config.better import Better
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.vectors import Measured, classified

SMOOTHING = 0.5  # added to each count before shares are compared (Krichevsky and Trofimov 1981): no class has none


class Classes:
    """classes_hit, class_entropy and class_divergence."""

    needs = "sample"
    better: Mapping[str, Better] = {"classes_hit": "higher", "class_entropy": "higher", "class_divergence": "lower"}
    needs_labels = True

    def __call__(self, evaluation: Evaluation) -> list[Number]:
        """Compare the samples with the real split."""
        vectors, classes = classified(evaluation), evaluation.spec.label_dim
        classify = vectors.extractor.classify
        assert classify is not None
        judge = functools.partial(compare, classify=classify, classes=classes)
        return vectors.compare("classes", judge, smoothing=SMOOTHING)


def compare(
    samples: np.ndarray, real: np.ndarray, classify: Callable[[np.ndarray], np.ndarray], classes: int
) -> Mapping[str, Measured]:
    """Numbers of features (n, d) and (m, d). Raises Unsuited where there are none of either.

    classes_hit: classes with at least one sample. class_entropy: of the samples' shares of the classes, in nats.
    class_divergence: the Kullback-Leibler divergence of these shares from those of the real examples, in nats.
    """
    check_enough("classes", 1, {"samples": len(samples), "real examples": len(real)})
    counts, real_counts = (np.bincount(classify(part), minlength=classes) for part in (samples, real))
    shares = counts / counts.sum()
    p, q = ((one + SMOOTHING) / (one + SMOOTHING).sum() for one in (counts, real_counts))
    return {
        "classes_hit": Measured(int(np.sum(counts > 0)), f"of {classes}"),
        "class_entropy": Measured(float(np.sum(shares[counts > 0] * np.log(1 / shares[counts > 0]))), "nats"),
        "class_divergence": Measured(float(np.sum(p * np.log(p / q))), "nats"),
    }
