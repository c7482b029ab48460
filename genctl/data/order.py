"""The order in which a run sees its training examples: a function of the seed and the position alone."""

import functools

import numpy as np


class Order:
    """Epoch after epoch, each a permutation of its own; a batch may span two, so every example counts equally."""

    def __init__(self, examples: int, batch_size: int, seed: int) -> None:
        self.examples, self.batch_size, self.seed = examples, batch_size, seed
        self._permutation = functools.lru_cache(maxsize=2)(self._permute)

    def indices(self, step: int, count: int) -> np.ndarray:
        """The examples of `count` batches from `step` on: int32 (count, batch_size)."""
        first, last = step * self.batch_size, (step + count) * self.batch_size
        parts = []
        while first < last:
            epoch, offset = divmod(first, self.examples)
            parts.append(self._permutation(epoch)[offset : offset + last - first])
            first += len(parts[-1])
        return np.concatenate(parts).reshape(count, self.batch_size)

    def _permute(self, epoch: int) -> np.ndarray:
        generator = np.random.Generator(np.random.Philox(key=[self.seed, epoch]))
        return generator.permutation(self.examples).astype(np.int32)
