"""A player: some networks, the optimizer that moves them, and (if asked) their running average."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

Logs = dict[str, tf.Tensor]


class Player:
    """Networks that minimise one loss together.

    average_halflife: steps after which a weight counts half in the running average of the weights (the average of
    Yazici et al. 2019, for GANs); 0 keeps no average.
    """

    def __init__(self, *networks: keras.Model, optimizer: keras.Optimizer, average_halflife: int = 0) -> None:
        self.weights = [weight for network in networks for weight in network.trainable_variables]
        self.optimizer = optimizer
        self.optimizer.build(self.weights)
        self.decay = 0.5 ** (1 / average_halflife) if average_halflife else 0.0
        self.averages = [tf.Variable(weight.value, trainable=False) for weight in self.weights if average_halflife]

    def minimize(self, loss: Callable[[], tuple[tf.Tensor, Logs]]) -> Logs:
        """Take one step down the gradient of `loss` with respect to this player's weights alone; return its logs.

        Only for compiled code. Gradients are summed in pairs, because TensorFlow's sum of three or more tensors adds
        them in whatever order their memory becomes free (see also device.use).
        """
        objective, logs = loss()
        values = [weight.value for weight in self.weights]
        gradients = tf.gradients(objective, values, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE)
        self.optimizer.apply(gradients, self.weights)
        self._update_averages()
        return logs

    def _update_averages(self) -> None:
        # The plain mean of all steps so far until the half-life takes over, so that initial weights do not linger.
        rate = tf.maximum(1 - self.decay, 1 / tf.cast(self.optimizer.iterations.value, tf.float32))
        for average, weight in zip(self.averages, self.weights, strict=False):
            average.assign_add(rate * (weight.value - average))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the block, the weights are their running average, where one has begun. Not for compiled code."""
        if not self.averages or int(self.optimizer.iterations) == 0:
            yield
            return
        kept = [weight.numpy() for weight in self.weights]
        self._assign(self.averages)
        try:
            yield
        finally:
            self._assign(kept)

    def _assign(self, values: Sequence[tf.Variable | np.ndarray]) -> None:
        for weight, value in zip(self.weights, values, strict=True):
            weight.assign(value)

    @property
    def variables(self) -> list[tf.Variable | keras.Variable]:
        """All that this player adds to the networks' own state."""
        return [*self.optimizer.variables, *self.averages]
