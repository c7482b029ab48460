"""Keras' InceptionV3, trained on ImageNet; not the graph of 2015 that published Fréchet distances were made with."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genctl.data.cache import cache_path
from genctl.errors import Unsuited, UserError
from genctl.metrics.features.extractor import Extractor, sha256_of, weights_at
from genctl.metrics.features.training_data import TrainingData

if TYPE_CHECKING:
    import keras

NAME, SIDE, BATCH = "keras_inception_v3", 299, 32
FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
MD5 = "bcbd6486424b2319ff4ef7d526e38f63"  # as Keras checks it


def load_inception(evaluation: TrainingData, weights: str | None = None) -> Extractor:
    """The 2048 averages of its last convolutions, for images of any size, resized to 299x299.

    weights: a file of Keras' weights without the top; None: downloaded once. Raises Unsuited for vectors, and UserError
    for a file that holds no such weights.
    """
    if not evaluation.spec.is_image:
        raise Unsuited(f"features=inception needs images, and data set '{evaluation.spec.name}' has vectors")
    path = weights_at(weights, f"name the file {FILE} of {FOLDER}.") if weights is not None else _downloaded()
    network = _load(path)
    return Extractor(NAME, sha256_of(path), lambda examples: _features(network, examples), batch=BATCH)


def _downloaded() -> Path:
    import keras
    from filelock import FileLock

    folder = cache_path("evaluation", "inception")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock"):  # Keras writes to the final name at once, and looks at the checksum after it
            return Path(keras.utils.get_file(FILE, FOLDER + FILE, file_hash=MD5, cache_dir=folder, cache_subdir="."))
    except Exception as error:  # of the network, of the disk, and of Keras' own checksum
        raise UserError(
            f"{FOLDER + FILE} could not be downloaded ({error}): get it in another way and give features.weights=FILE."
        ) from error


def _load(path: Path) -> "keras.Model":
    import keras

    from genctl.metrics.features.classifier_network import in_float32

    try:
        with in_float32():
            return keras.applications.InceptionV3(
                include_top=False, weights=str(path), input_shape=(SIDE, SIDE, 3), pooling="avg"
            )
    except Exception as error:  # Keras' reader raises nearly anything on a file of something else
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(
            f"features.weights={path} holds no weights of Keras' InceptionV3 without top: {reason}"
        ) from error


def _features(network: "keras.Model", examples: np.ndarray) -> np.ndarray:
    """Examples (n, h, w, c) in [-1, 1], which is the range that the network was trained in, to (n, 2048)."""
    import tensorflow as tf

    coloured = np.broadcast_to(examples, (*examples.shape[:3], 3))
    resized = tf.image.resize(coloured, (SIDE, SIDE), antialias=True)
    return network(resized, training=False).numpy()
