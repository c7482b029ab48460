"""The moment of a training step: its number, its phase and its randomness, all functions of `(seed, step)`."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from genctl.compute import parallel

ALGORITHM = "philox"  # what XLA would choose by itself takes ten times as long on a CPU


@dataclasses.dataclass(frozen=True)
class Noise:
    """Random numbers that depend on `(seed, step, name)` alone, so that a continued run draws what it would have drawn.

    seed: a Python int; step: an int64 scalar tensor or a Python int; purpose: training and validation draw differently.
    shared: the numbers are for several devices, each of which takes its rows, so that all see what one would have seen.
    scale, bound: normal numbers become truncated ones, which lie in [-bound, bound], and are multiplied by `scale`.
    """

    seed: int
    step: tf.Tensor | int = 0
    purpose: str = "train"
    shared: bool = False
    scale: float = 1.0
    bound: float | None = None

    def normal(self, name: str, shape: Sequence[int | tf.Tensor]) -> tf.Tensor:
        """Standard normal float32 of `shape`, but for `scale` and `bound`; another `name` draws other numbers."""
        values = self._draw(lambda whole: tf.random.stateless_normal(whole, self._key(name), alg=ALGORITHM), shape)
        if self.bound is not None:
            values = truncated(values, self.bound)
        return values if self.scale == 1 else values * self.scale

    def uniform(self, name: str, shape: Sequence[int | tf.Tensor], low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """Uniform float32 of `shape` in [low, high)."""
        return self._draw(
            lambda whole: tf.random.stateless_uniform(whole, self._key(name), low, high, alg=ALGORITHM), shape
        )

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
        return parallel.split_batch(draw([rows * parallel.count(), *rest]))

    def _key(self, name: str) -> tf.Tensor:
        digest = hashlib.blake2b(f"{self.seed}/{self.purpose}/{name}".encode(), digest_size=8).digest()
        stream = int.from_bytes(digest, "little", signed=True)
        return tf.stack([tf.constant(stream, tf.int64), tf.cast(self.step, tf.int64)])


def truncated(values: tf.Tensor, bound: float) -> tf.Tensor:
    """Turn normal numbers into truncated normal ones in [-bound, bound], in their order: F_bound^-1(F(values)).

    With F(z) = (1 + erf(z / sqrt 2)) / 2 this is sqrt(2) erf^-1(erf(z / sqrt 2) erf(bound / sqrt 2)); none is redrawn.
    """
    share = math.erf(bound / math.sqrt(2))
    inner = math.sqrt(2) * tf.math.erfinv(tf.math.erf(values / math.sqrt(2)) * share)
    return tf.clip_by_value(inner, -bound, bound)  # far out, float32 cannot tell erf from 1


@dataclasses.dataclass(frozen=True)
class StepContext:
    """Where training stands.

    step: int64 scalar tensor. phase: a Python string, so each phase is one graph.
    span: the first step of what schedules go through, and the one behind it (see Strategy.span).
    batch_size: examples of an update.
    rate_factor: what all learning rates are multiplied by: less than 1 after the run went back from a loss that was not
    finite.
    augment: changes images at random in training; None: they stay as they are, as in validation.
    observed: whether callbacks look at the run after this step, so that what is costly and moves no weight is worth
    computing.
    learning: whether players move; else a step only computes what it would.
    """

    step: tf.Tensor | int
    phase: str
    noise: Noise
    span: tuple[int, int] = (0, 1)
    batch_size: int = 1
    rate_factor: float = 1.0
    augment: Callable[[tf.Tensor, Noise], tf.Tensor] | None = None
    observed: tf.Tensor | bool = True
    learning: bool = True

    def at(self, step: tf.Tensor, observed: tf.Tensor | bool = True) -> "StepContext":
        """The same for another step."""
        return dataclasses.replace(self, step=step, noise=self.noise.at(step), observed=observed)

    def branch(self, name: str) -> "StepContext":
        """The same moment with noise of its own."""
        return dataclasses.replace(self, noise=self.noise.branch(name))

    def augmented(self, images: tf.Tensor, name: str = "") -> tf.Tensor:
        """Images (n, h, w, c) changed as dataset.augment says; by another `name` otherwise. Gradients pass."""
        if self.augment is None:
            return images
        return self.augment(images, self.noise.branch(name) if name else self.noise)

    def without_augmentation(self) -> "StepContext":
        """The same moment for what is no image, such as a code."""
        return dataclasses.replace(self, augment=None)
