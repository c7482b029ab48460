"""Codes of images, found by descent, for families that decode and do not encode (Zhu et al. 2016, section 3.1)."""

import numpy as np
import tensorflow as tf

from genctl.cli.verbs.options import bar
from genctl.compute.compiled import compiled
from genctl.objectives.likelihoods import total
from genctl.strategies.parts.strategy import Strategy

CALL = 50  # steps of one compiled call
State = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # codes, and Adam's means of gradients and of their squares; all (n, d)
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Inversion:
    """Adam's descent (Kingma and Ba 2015, algorithm 1) of each code on its own image's error, many images at once."""

    def __init__(self, strategy: Strategy, steps: int, learning_rate: float) -> None:
        self.strategy, self.steps, self.learning_rate = strategy, steps, learning_rate
        self._descend = compiled(self._steps, reduce_retracing=True)
        self._errors = compiled(self.errors, reduce_retracing=True)

    def __call__(self, image: np.ndarray, start: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From images (n, …) in [-1, 1], first codes and weights of classes to codes (n, d) and their errors (n,)."""
        given = tf.constant(image), tf.constant(label)
        code = tf.constant(start)
        state = code, tf.zeros_like(code), tf.zeros_like(code)
        calls = range(1, self.steps + 1, CALL)
        for first in bar(calls, f"searching {len(image)} codes", len(calls)):
            last = min(first + CALL - 1, self.steps)
            state = self._descend(state, *given, tf.constant(first), tf.constant(last))
        return state[0].numpy(), self._errors(state[0], *given).numpy()

    def errors(self, code: tf.Tensor, image: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """||x - De(z)||^2 of each example, (n,), with images in [-1, 1]."""
        return total(tf.square(image - self.strategy.decode(code, label)))

    def _steps(self, state: State, image: tf.Tensor, label: tf.Tensor, first: tf.Tensor, last: tf.Tensor) -> State:
        """Take the steps `first` to `last`, which count from 1."""

        def body(step: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            return step + 1, self._move(step, state, image, label)

        return tf.while_loop(lambda step, state: step <= last, body, (first, state), parallel_iterations=1)[1]

    def _move(self, step: tf.Tensor, state: State, image: tf.Tensor, label: tf.Tensor) -> State:
        code, mean, square = state
        error = tf.reduce_sum(self.errors(code, image, label))  # no code's error depends on another code
        [gradient] = tf.gradients(error, [code])
        mean = BETA_1 * mean + (1 - BETA_1) * gradient
        square = BETA_2 * square + (1 - BETA_2) * tf.square(gradient)
        t = tf.cast(step, tf.float32)
        direction = mean / (1 - BETA_1**t) / (tf.sqrt(square / (1 - BETA_2**t)) + EPSILON)
        return code - self.learning_rate * direction, mean, square
