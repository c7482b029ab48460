"""A classifier of the data set's own classes, as Heusel et al. advise for data that Inception does not know."""

import dataclasses

import numpy as np

from genctl.config.signatures import Count
from genctl.data.examples import Split
from genctl.data.spec import Spec
from genctl.metrics.features.extract import extract_split
from genctl.metrics.features.extractor import Extractor, batch_of
from genctl.metrics.features.feature_cache import cached
from genctl.metrics.features.training_data import TrainingData, check_classes

RECIPE = 1  # changes with what the training in classifier_network.py computes


def train_classifier(evaluation: TrainingData, steps: Count = 3000, batch_size: Count = 128) -> Extractor:
    """A small network trained once on the training split's labels; its features are those that its classes follow from.

    Its accuracy on unseen examples is part of the protocol. Raises Unsuited where there are no two classes.
    """
    from genctl.metrics.features import classifier_network  # it brings TensorFlow

    spec, train = evaluation.spec, evaluation.train
    check_classes("features=classifier", spec, train)
    key = {"network": f"classifier {RECIPE}", "train": train, "steps": steps, "batch_size": batch_size}
    arrays, sha256 = cached("networks", spec, key, lambda: classifier_network.train(spec, train, steps, batch_size))
    network = classifier_network.Network(spec, arrays)
    extractor = Extractor("classifier", sha256, network.features, batch=batch_of(spec.size), classify=network.classify)
    unseen = evaluation.test
    if unseen is None or not unseen.size:
        return extractor
    return dataclasses.replace(extractor, facts={"accuracy": _accuracy(extractor, spec, unseen)})


def _accuracy(extractor: Extractor, spec: Spec, split: Split) -> float:
    """The share of a split's examples whose class it finds."""
    assert extractor.classify is not None
    classes = extractor.classify(extract_split(extractor, spec, split))
    return round(float(np.mean(classes == split.take(np.arange(split.size)).labels)), 4)
