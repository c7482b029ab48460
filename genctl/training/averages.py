"""Means of the logs over the steps between two resets, and norms of gradients at the newest, kept on the device."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from genctl.strategies.players.player import GRADIENT_NORM


class Averages:
    """Sums of scalars by name; the names become known when the first step is traced, or from a checkpoint.

    In place of the sum of a gradient's norm is the newest one: a player computes it at observed steps alone.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.sums: tf.Variable | None = None
        self.count = 0  # steps since the last reset, counted by the caller

    def add(self, logs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Add one step's logs within compiled code; return whether all of them are finite."""
        values = tf.stack([tf.cast(value, tf.float32) for value in logs.values()])
        if self.sums is None:
            with tf.init_scope():
                self.restore(list(logs), np.zeros(len(logs), np.float32), 0)
        assert self.sums is not None
        self.sums.assign(tf.where([_is_norm(name) for name in logs], values, self.sums + values))
        return tf.reduce_all(tf.math.is_finite(values))

    def restore(self, names: list[str], sums: np.ndarray, count: int) -> None:
        """Take over what a checkpoint stored."""
        self.names, self.sums, self.count = names, tf.Variable(sums, trainable=False), count

    def means(self) -> dict[str, float]:
        """The means since the last reset; of a gradient's norm, the newest."""
        if self.sums is None or not self.count:
            return {}
        counts = [1 if _is_norm(name) else self.count for name in self.names]
        return dict(zip(self.names, (self.sums.numpy() / np.array(counts, np.float32)).tolist(), strict=True))

    def reset(self) -> None:
        """Begin anew."""
        if self.sums is not None:
            self.sums.assign(tf.zeros_like(self.sums))
        self.count = 0

    def broken(self) -> list[str]:
        """Names of the logs that are not finite."""
        sums = [] if self.sums is None else self.sums.numpy()
        return [name for name, value in zip(self.names, sums, strict=True) if not np.isfinite(value)]


def _is_norm(name: str) -> bool:
    return name.startswith(GRADIENT_NORM)
