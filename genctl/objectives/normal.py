"""Diagonal normal distributions of codes, one for each example."""

import math
from typing import NamedTuple

import keras
import tensorflow as tf


class Normal(NamedTuple):
    """mean and log_variance: each (n, d)."""

    mean: tf.Tensor
    log_variance: tf.Tensor

    @classmethod
    def of(cls, outputs: tf.Tensor) -> "Normal":
        """What a network's outputs (n, 2 d) stand for: means, then log variances."""
        return cls(*keras.ops.split(outputs, 2, axis=1))

    def at(self, epsilon: tf.Tensor) -> tf.Tensor:
        """The reparameterised sample mean + sigma epsilon, for epsilon (n, d) from N(0, I)."""
        return self.mean + tf.exp(self.log_variance / 2) * epsilon

    def log_density(self, code: tf.Tensor) -> tf.Tensor:
        """log N(code; mean, variance) of shape (n,), in nats."""
        z = (code - self.mean) * tf.exp(-self.log_variance / 2)
        return -0.5 * tf.reduce_sum(tf.square(z) + self.log_variance + math.log(2 * math.pi), axis=1)

    def kl(self, other: "Normal") -> tf.Tensor:
        """KL(self || other) of each number of a code: (n, d), in nats.

        1/2 ((m - m')^2 / v' + v / v' - 1 - log(v / v'))
        """
        log_ratio = self.log_variance - other.log_variance
        distance = tf.square(self.mean - other.mean) * tf.exp(-other.log_variance)
        return 0.5 * (distance + tf.exp(log_ratio) - 1 - log_ratio)

    def times(self, other: "Normal") -> "Normal":
        """The normalised product of both densities: precisions add up (Sønderby et al. 2016, equations 17 and 18)."""
        log_precision = keras.ops.softplus(self.log_variance - other.log_variance) - self.log_variance
        share = keras.ops.sigmoid(other.log_variance - self.log_variance)  # of self's precision in the sum
        return Normal(share * self.mean + (1 - share) * other.mean, -log_precision)

    def repeated(self, times: int) -> "Normal":
        """Each example's distribution `times` times in a row: (n times, d)."""
        return Normal(tf.repeat(self.mean, times, axis=0), tf.repeat(self.log_variance, times, axis=0))

    def fixed(self) -> "Normal":
        """The same without a gradient."""
        return Normal(tf.stop_gradient(self.mean), tf.stop_gradient(self.log_variance))


def standard(code: tf.Tensor) -> Normal:
    """N(0, I) for codes like these."""
    return Normal(tf.zeros_like(code), tf.zeros_like(code))


def standard_normal_kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, variance) || N(0, I)) of shape (n,), from (n, d) (Kingma and Welling 2014, appendix B).

    1/2 sum_j (mean_j^2 + variance_j - 1 - log variance_j)
    """
    return tf.reduce_sum(Normal(mean, log_variance).kl(standard(mean)), axis=1)
