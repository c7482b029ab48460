"""Divergences between distributions of codes, in nats."""

import tensorflow as tf


def standard_normal_kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, variance) || N(0, I)) of shape (n,), from (n, d): the sum over dimensions."""
    return tf.reduce_sum(standard_normal_kls(mean, log_variance), axis=1)


def standard_normal_kls(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean_j, variance_j) || N(0, 1)) of each dimension, (n, d) (Kingma and Welling 2014, appendix B).

    1/2 (mean_j^2 + variance_j - 1 - log variance_j)
    """
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - 1 - log_variance)
