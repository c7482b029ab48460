"""A split that lives on the device as it is stored, and becomes batches inside the compiled step."""

import numpy as np
import tensorflow as tf

from genctl.context import Noise
from genctl.data.augment import augment
from genctl.data.base import Augment, Examples
from genctl.data.spec import Spec


class Resident:
    """Examples as bytes (or floats) on the current device."""

    def __init__(self, examples: Examples, spec: Spec) -> None:
        self.spec = spec
        self.size = len(examples.images)
        self.values = tf.constant(examples.images)
        labels = np.zeros(self.size, np.int32) if examples.labels is None else examples.labels
        self.labels = tf.constant(labels, tf.int32)
        self.bytes = examples.images.nbytes + labels.nbytes

    def batch(
        self, indices: tf.Tensor, noise: Noise | None = None, augmentation: Augment | None = None
    ) -> dict[str, tf.Tensor]:
        """Gather examples: image float32 (n, ...) in [-1, 1], augmented if asked; label one-hot (n, classes)."""
        stored = tf.cast(tf.gather(self.values, indices), tf.float32)
        low, high = tf.constant(self.spec.low, tf.float32), tf.constant(self.spec.high, tf.float32)
        image = (stored - low) * (2 / (high - low)) - 1
        if noise is not None and augmentation is not None:
            image = augment(image, noise, augmentation)
        return {"image": image, "label": tf.one_hot(tf.gather(self.labels, indices), self.spec.label_dim)}
