"""Codes of images, found by descent, for families that decode and do not encode (Zhu et al. 2016, section 3.1)."""

import keras
import numpy as np
import tensorflow as tf

from genctl.cli.verbs.options import bar
from genctl.compute.compiled import compiled
from genctl.objectives.likelihoods import total
from genctl.strategies.parts.strategy import Strategy

CALL = 50  # steps of one compiled call


class Inversion:
    """Adam's descent of each code on its own image's error, of so many rows at once."""

    def __init__(self, strategy: Strategy, rows: int, steps: int, learning_rate: float) -> None:
        self.strategy, self.steps = strategy, steps
        self.code = keras.Variable(np.zeros((rows, strategy.code_dim), np.float32))
        self.rule = keras.optimizers.Adam(learning_rate)
        self.rule.build([self.code])
        self._fresh = [variable.numpy() for variable in self.rule.variables]
        self._descend, self._errors = compiled(self._steps), compiled(self.errors)

    def __call__(self, image: np.ndarray, start: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From images (n, …) in [-1, 1], first codes and weights of classes to codes (n, d) and their errors (n,)."""
        rows = np.minimum(np.arange(self.code.shape[0]), len(image) - 1)  # the last one fills up: compiled once
        given = tf.constant(image[rows]), tf.constant(label[rows])
        self.code.assign(start[rows])
        for variable, value in zip(self.rule.variables, self._fresh, strict=True):
            variable.assign(value)
        calls = range(0, self.steps, CALL)
        for first in bar(calls, f"searching {len(image)} codes", len(calls)):
            self._descend(*given, tf.constant(min(CALL, self.steps - first)))
        return self.code.numpy()[: len(image)], self._errors(*given).numpy()[: len(image)]

    def errors(self, image: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """||x - De(z)||^2 of each example, (n,), with images in [-1, 1]."""
        return total(tf.square(image - self.strategy.decode(self.code.value, label)))

    def _steps(self, image: tf.Tensor, label: tf.Tensor, count: tf.Tensor) -> None:
        def body(step: tf.Tensor) -> tf.Tensor:
            error = tf.reduce_sum(self.errors(image, label))  # no code's error depends on another code
            self.rule.apply(tf.gradients(error, [self.code.value]), [self.code])
            return step + 1

        tf.while_loop(lambda step: step < count, body, [0], parallel_iterations=1)
