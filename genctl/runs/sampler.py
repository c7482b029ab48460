"""Codes and images of a strategy, batch by batch, with the running averages of weights where they are kept."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from genctl.compute.compiled import compiled
from genctl.compute.context import Noise
from genctl.data.batches import Data, batch
from genctl.strategies.parts.strategy import Strategy

BATCH = 256
Codes = tuple[np.ndarray, np.ndarray]  # codes (n, code_dim), and their classes' weights (n, label_dim), both float32


class Sampler:
    """Draws, encodes and decodes in compiled code."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy, spec = strategy, strategy.spec
        code, label = tf.TensorSpec([None, strategy.code_dim]), tf.TensorSpec([None, strategy.label_dim])
        example = {"image": tf.TensorSpec([None, *spec.image_shape]), "label": tf.TensorSpec([None, spec.label_dim])}
        self._draw = compiled(
            lambda label, step, scale, bound: strategy.draw(label, Noise(0, step, "sample", scale=scale, bound=bound)),
            reduce_retracing=True,
        )
        self._encode = compiled(
            lambda examples: (strategy.encode(examples), strategy.condition(examples)), input_signature=[example]
        )
        self._rates = compiled(strategy.rates, input_signature=[example])
        self._decode = compiled(lambda code, label: strategy.decode(code, label), input_signature=[code, label])

    def samples(self, count: int, seed: int) -> np.ndarray:
        """`count` examples in [-1, 1], float32 (count, ...), of every class in turn."""
        turns = np.resize(range(max(self.strategy.label_dim, 1)), count)
        return np.concatenate(list(self.sample_batches(turns, seed)))

    def sample_batches(self, classes: np.ndarray, seed: int) -> Iterator[np.ndarray]:
        """Examples of these classes in [-1, 1], batch by batch, for progress bars and bounded memory."""
        return self.decoded(self.draws(classes, seed))

    def draws(
        self, classes: np.ndarray, seed: int, temperature: float = 1.0, truncation: float | None = None
    ) -> Iterator[Codes]:
        """Codes of new examples of these classes.

        temperature: what normal noise is multiplied by. truncation: the most it may be before that, either side of 0.
        """
        for index, first in enumerate(range(0, len(classes), BATCH)):
            labels = tf.one_hot(classes[first : first + BATCH], self.strategy.label_dim)
            step = tf.constant((seed << 32) + index, tf.int64)
            with self.strategy.averaged():
                yield self._draw(labels, step, temperature, truncation).numpy(), labels.numpy()

    def encoded(self, data: Data, count: int) -> Iterator[Codes]:
        """Codes of the first `count` examples of a split."""
        for examples in self.examples(data, count):
            with self.strategy.averaged():
                code, label = self._encode(examples)
            yield code.numpy(), label.numpy()

    def rates(self, data: Data, count: int) -> np.ndarray:
        """The strategy's rates, (code_dim,): means over the first `count` examples of a split."""
        rates = []
        for examples in self.examples(data, count):
            with self.strategy.averaged():
                rates.append(self._rates(examples).numpy())
        return np.concatenate(rates).mean(axis=0)

    def decoded(self, codes: Iterable[Codes]) -> Iterator[np.ndarray]:
        """Examples in [-1, 1], float32 (n, ...), of each batch of codes."""
        for code, label in codes:
            with self.strategy.averaged():
                yield self._decode(code, label).numpy()

    def reconstructions(self, data: Data, count: int) -> np.ndarray:
        """The first `count` examples of a split, encoded and decoded: float32 (count, ...) in [-1, 1]."""
        return np.concatenate(list(self.decoded(self.encoded(data, count))))

    def examples(self, data: Data, count: int, size: int = BATCH) -> Iterator[dict[str, tf.Tensor]]:
        """The first `count` examples of a split, in batches as strategies take them."""
        for first in range(0, min(count, data.size), size):
            stored = data.take(tf.range(first, min(first + size, count, data.size)))
            yield batch(stored, self.strategy.spec)


def batches(codes: np.ndarray, labels: np.ndarray) -> Iterator[Codes]:
    """Cut codes and the weights of their classes into batches."""
    for first in range(0, len(codes), BATCH):
        yield codes[first : first + BATCH], labels[first : first + BATCH]
