"""A classifier of the data set's own classes, as Heusel et al. advise for data that Inception does not know."""

import dataclasses

import numpy as np

from genctl.data.base import Split
from genctl.metrics.base import Evaluation, check_classes
from genctl.metrics.features.base import Extractor, batch_of
from genctl.metrics.kept import kept
from genctl.metrics.vectors import Vectors
from genctl.signatures import Count

RECIPE = 1  # changes with what the training in classifying.py computes


def classifier(evaluation: Evaluation, steps: Count = 3000, batch_size: Count = 128) -> Extractor:
    """A small network trained once on the training split's labels; its features are those that its classes follow from.

    Its accuracy on unseen examples is part of the protocol. Raises Unsuited where there are no two classes.
    """
    from genctl.metrics.features import classifying  # it brings TensorFlow

    spec, train = evaluation.spec, evaluation.train
    check_classes("features=classifier", evaluation)
    key = {"network": f"classifier {RECIPE}", "train": train, "steps": steps, "batch_size": batch_size}
    arrays, sha256 = kept("networks", spec, key, lambda: classifying.train(spec, train, steps, batch_size))
    network = classifying.Network(spec, arrays)
    extractor = Extractor("classifier", sha256, network.features, batch=batch_of(spec.size), classify=network.classify)
    unseen = evaluation.test
    if unseen is None or not unseen.size:
        return extractor
    return dataclasses.replace(extractor, facts={"accuracy": _accuracy(evaluation, extractor, unseen)})


def _accuracy(evaluation: Evaluation, extractor: Extractor, split: Split) -> float:
    """The share of a split's examples whose class it finds."""
    assert extractor.classify is not None
    found = extractor.classify(Vectors(evaluation, extractor).of(split))
    return round(float(np.mean(found == split.take(np.arange(split.size)).labels)), 4)
