"""Divergences between distributions of codes, in nats."""

import tensorflow as tf

from genctl.objectives.normal import Normal, standard


def standard_normal_kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, variance) || N(0, I)) of shape (n,), from (n, d) (Kingma and Welling 2014, appendix B).

    1/2 sum_j (mean_j^2 + variance_j - 1 - log variance_j)
    """
    return tf.reduce_sum(Normal(mean, log_variance).kl(standard(mean)), axis=1)
