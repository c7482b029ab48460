"""The moment of a training step: its number, its phase and its randomness, all functions of `(seed, step)`."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from genctl import parallel


@dataclasses.dataclass(frozen=True)
class Noise:
    """Random numbers that depend on `(seed, step, name)` alone, so that a continued run draws what it would have drawn.

    seed: a Python int; step: an int64 scalar tensor or a Python int; purpose: training and validation draw differently.
    shared: the numbers are for several devices, each of which takes its rows, so that all see what one would have seen.
    """

    seed: int
    step: tf.Tensor | int = 0
    purpose: str = "train"
    shared: bool = False

    def normal(self, name: str, shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
        """Standard normal float32 of `shape`; another `name` draws other numbers."""
        return self._draw(lambda whole: tf.random.stateless_normal(whole, self._key(name)), shape)

    def uniform(self, name: str, shape: Sequence[int | tf.Tensor], low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """Uniform float32 of `shape` in [low, high)."""
        return self._draw(lambda whole: tf.random.stateless_uniform(whole, self._key(name), low, high), shape)

    def at(self, step: tf.Tensor | int) -> "Noise":
        """The same for another step."""
        return dataclasses.replace(self, step=step)

    def branch(self, name: str) -> "Noise":
        """Other numbers by the same names, as for another turn of the same step."""
        return dataclasses.replace(self, purpose=f"{self.purpose}/{name}")

    def _draw(self, draw: Callable[[Any], tf.Tensor], shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
        if not self.shared:
            return draw(shape)
        rows, *rest = tf.unstack(shape) if tf.is_tensor(shape) else shape
        return parallel.part(draw([rows * parallel.count(), *rest]))

    def _key(self, name: str) -> tf.Tensor:
        digest = hashlib.blake2b(f"{self.seed}/{self.purpose}/{name}".encode(), digest_size=8).digest()
        stream = int.from_bytes(digest, "little", signed=True)
        return tf.stack([tf.constant(stream, tf.int64), tf.cast(self.step, tf.int64)])


@dataclasses.dataclass(frozen=True)
class StepContext:
    """Where training stands.

    step: int64 scalar tensor. phase: a Python string, so each phase is one graph. rate_factor: what all learning rates
    are multiplied by, which is less than 1 after the run went back from a loss that was not finite.
    """

    step: tf.Tensor | int
    phase: str
    noise: Noise
    rate_factor: float = 1.0

    def at(self, step: tf.Tensor) -> "StepContext":
        """The same for another step."""
        return dataclasses.replace(self, step=step, noise=self.noise.at(step))

    def branch(self, name: str) -> "StepContext":
        """The same moment with noise of its own."""
        return dataclasses.replace(self, noise=self.noise.branch(name))
