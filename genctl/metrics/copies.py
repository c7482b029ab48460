"""Whether samples are copies of training examples, by nearest neighbours in the principal components of the pixels."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from genctl.config.better import Better
from genctl.config.signatures import Count
from genctl.errors import Unsuited
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.pixels import fit_pixels
from genctl.metrics.features.training_data import check_enough
from genctl.metrics.vectors import ROUNDING, Measured, Vectors
from genctl.runs import grids

SHOWN, BESIDE = 10, 5  # samples in the picture, and training examples beside each


class Copies:
    """train_distance and copies; examples that were not trained on give the scale and the floor.

    train_distance: the median distance of samples to their nearest training example, by that of unseen examples.
    copies: the share of samples nearer to a training example than any other training example is to it (1 - the
    authenticity of Alaa et al. 2022, section 3.3).
    """

    needs = "sample"
    better: Mapping[str, Better] = {"train_distance": "higher", "copies": "lower"}

    def __init__(self, components: Count) -> None:
        self.components = components

    def __call__(self, evaluation: Evaluation) -> list[Number]:
        """Compare the samples with the training split, beside unseen examples."""
        vectors = Vectors(evaluation, fit_pixels(evaluation, self.components))
        unseen = evaluation.test if evaluation.real.name == "train" else evaluation.real
        if unseen is None or not unseen.size:
            raise Unsuited("copies needs examples that were not trained on, and there are none")
        unseen = unseen.first(evaluation.count)
        train = Neighbours(vectors.of(evaluation.train))
        key = {"metric": "copies", "train": evaluation.train, "unseen": unseen}
        usual = vectors.floors(
            key, lambda: dict(zip(("distance", "copies"), train.judge(vectors.of(unseen)), strict=True))
        )
        if usual["distance"] <= ROUNDING * train.train.std():
            raise Unsuited("copies needs a scale, and half of the unseen examples are in the training split too")
        distance, copies = train.judge(vectors.samples)
        if evaluation.spec.is_image:
            evaluation.pictures["nearest_training_images"] = _picture(evaluation, train, vectors.samples)
        protocol = vectors.protocol | {"train": evaluation.train.size, "unseen": f"{unseen.size} {unseen.name}"}
        values = {
            "train_distance": Measured(distance / usual["distance"], "x unseen"),
            "copies": Measured(copies),
        }
        return vectors.numbers(values, protocol, {"train_distance": 1.0, "copies": usual["copies"]})


class Neighbours:
    """Nearest neighbours among training examples, given by their features (n, d)."""

    def __init__(self, train: np.ndarray) -> None:
        from sklearn.neighbors import NearestNeighbors  # importing it takes a second

        check_enough("copies", 2, {"training examples": len(train)})
        self.train = train
        self.index = NearestNeighbors(algorithm="brute").fit(train)

    def nearest(self, points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and places of the nearest training examples, each (m, count), the nearest first."""
        return self.index.kneighbors(points, min(count, len(self.train)))

    def judge(self, points: np.ndarray) -> tuple[float, float]:
        """The median distance to the nearest training example, and the share of copies."""
        distances, places = (column[:, 0] for column in self.nearest(points, 1))
        touched, inverse = np.unique(places, return_inverse=True)
        own = self.nearest(self.train[touched], 2)[0][:, 1]  # the first is the example itself
        return float(np.median(distances)), float(np.mean(distances < own[inverse]))


def _picture(evaluation: Evaluation, train: Neighbours, samples: np.ndarray) -> Image.Image:
    """The samples that are nearest to training examples, one a row, each with these on its right."""
    distances = train.nearest(samples, 1)[0][:, 0]
    chosen = np.argsort(distances, kind="stable")[:SHOWN]
    places = train.nearest(samples[chosen], BESIDE)[1]
    spec = evaluation.spec
    beside = [spec.to_bytes(evaluation.train.take(row).images) for row in places]
    own = evaluation.samples[chosen]
    rows = [np.concatenate([sample[None], others]) for sample, others in zip(own, beside, strict=True)]
    return grids.grid(np.concatenate(rows), columns=1 + places.shape[1])
