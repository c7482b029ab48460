"""Principal components of the pixels: for data without labels, and to find copies."""

import numpy as np

from genctl.config.signatures import Count
from genctl.errors import Unsuited
from genctl.metrics.features.extractor import Extractor
from genctl.metrics.features.feature_cache import Arrays, cached
from genctl.metrics.features.training_data import TrainingData, check_enough

EXAMPLES, NUMBERS = 10_000, 2**27  # training examples that it is fitted to, and numbers in them, at most


def fit_pixels(evaluation: TrainingData, components: Count = 64) -> Extractor:
    """The first principal components of the training examples in [-1, 1], or all where there are fewer.

    Raises Unsuited where the training examples do not differ.
    """
    spec, train = evaluation.spec, evaluation.train
    fitted = train.first(max(2, min(EXAMPLES, NUMBERS // spec.size)))
    check_enough("features by pixels", 2, {"training examples": fitted.size})
    most = min(components, fitted.size - 1, spec.size)  # n points lie in n - 1 dimensions

    def fit() -> Arrays:
        from sklearn.decomposition import PCA  # importing it takes a second

        examples = spec.to_unit(fitted.take(np.arange(fitted.size)).images).reshape(fitted.size, -1)
        if (examples == examples[0]).all():
            raise Unsuited(f"features by pixels need training examples that differ, and all {fitted.size} are equal")
        pca = PCA(most, random_state=0).fit(examples)
        return {"mean": pca.mean_, "components": pca.components_, "share": np.sum(pca.explained_variance_ratio_)}

    arrays, sha256 = cached("networks", spec, {"network": "pixels", "train": fitted, "components": most}, fit)
    facts = {"components": most, "variance": round(float(arrays["share"]), 4)}
    return Extractor("pixels", sha256, lambda x: _project(x, arrays), facts=facts)


def _project(examples: np.ndarray, arrays: Arrays) -> np.ndarray:
    centred = examples.reshape(len(examples), -1) - arrays["mean"]
    return np.asarray(centred @ arrays["components"].T, np.float32)
