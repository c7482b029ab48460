"""Images from a strategy, in batches of bounded size."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from genctl.context import Noise
from genctl.data.sources import Data, batch
from genctl.strategies.base import Strategy

BATCH = 256


class Sampler:
    """Draws samples and reconstructions with the running averages of weights, where they are kept."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self._sample = tf.function(
            lambda label, seed_step: strategy.sample(label, Noise(0, seed_step, "sample")),
            input_signature=[tf.TensorSpec([None, strategy.label_dim]), tf.TensorSpec([], tf.int64)],
        )

    def samples(self, count: int, seed: int, label: int | None = None) -> np.ndarray:
        """`count` examples in [-1, 1], float32 (count, ...); of class `label`, or of every class in turn."""
        return np.concatenate(list(self.sample_batches(count, seed, label)))

    def sample_batches(self, count: int, seed: int, label: int | None = None) -> Iterator[np.ndarray]:
        """The same, batch by batch, for progress bars and bounded memory."""
        classes = np.arange(count) % max(self.strategy.label_dim, 1) if label is None else np.full(count, label)
        with self.strategy.averaged():
            for index, first in enumerate(range(0, count, BATCH)):
                labels = tf.one_hot(classes[first : first + BATCH], self.strategy.label_dim)
                yield self._sample(labels, tf.constant((seed << 32) + index, tf.int64)).numpy()

    def reconstructions(self, data: Data, count: int) -> np.ndarray:
        """The first `count` examples of a split, encoded and decoded: float32 (count, ...) in [-1, 1]."""
        parts = []
        with self.strategy.averaged():
            for first in range(0, min(count, data.size), BATCH):
                stored = data.take(tf.range(first, min(first + BATCH, count, data.size)))
                examples = batch(stored, self.strategy.spec)
                parts.append(self.strategy.reconstruct(examples).numpy())
        return np.concatenate(parts)

    def encoded(self, data: Data, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Codes (n, code_dim) of the first `count` examples of a split and their labels (n, label_dim), by batches."""
        encode = tf.function(lambda given: (self.strategy.encode(given), self.strategy.condition(given)))
        for first in range(0, min(count, data.size), BATCH):
            stored = data.take(tf.range(first, min(first + BATCH, count, data.size)))
            with self.strategy.averaged():
                code, label = encode(batch(stored, self.strategy.spec))
            yield code.numpy(), label.numpy()
