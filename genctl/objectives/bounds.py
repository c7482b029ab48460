"""Bounds on log p(x) of latent variable models, in nats, and what their logs say about the codes."""

import math
from collections.abc import Callable

import tensorflow as tf

from genctl.compute.context import Noise
from genctl.compute.parallel import batch_mean
from genctl.data.spec import Spec
from genctl.objectives.gradients import gradient
from genctl.objectives.likelihoods import Likelihood
from genctl.objectives.normal import Normal, standard

ACTIVE = 0.01  # the variance of a mean above which a unit counts as active


def floored_rate(kl: tf.Tensor, free_bits: float) -> tf.Tensor:
    """sum_j max(free_bits, mean over examples of kl_j), for kl (n, groups) (Kingma et al. 2016, equation 15)."""
    return tf.reduce_sum(tf.maximum(batch_mean(kl), free_bits))


def log_ratio(code: tf.Tensor, prior: Normal, posterior: Normal) -> tf.Tensor:
    """log p(z) - log q(z | x) of shape (n,), for z drawn from the posterior q; its mean is -KL(q || p)."""
    return prior.log_density(code) - posterior.log_density(code)


def log_terms(
    posterior: Normal, noise: Noise, samples: int, distortion: Callable[[tf.Tensor], tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """log p(x | z) and log p(z) - log q(z | x), each (n, samples), of so many codes z from q; p(z) is N(0, I).

    distortion: codes (n samples, d), those of an example in a row, to -log p(x | z), (n samples,).
    """
    posterior = posterior.repeated(samples)
    code = posterior.at(noise.normal("code", tf.shape(posterior.mean)))
    likelihood, ratio = -distortion(code), log_ratio(code, standard(code), posterior)
    return tf.reshape(likelihood, (-1, samples)), tf.reshape(ratio, (-1, samples))


def importance_bound(log_weights: tf.Tensor) -> tf.Tensor:
    """log (1/k) sum_i w_i of shape (n,), from log w (n, k) (Burda et al. 2016, equation 8)."""
    return tf.reduce_logsumexp(log_weights, axis=1) - math.log(log_weights.shape[1])


def doubly_reparameterized(log_weights: tf.Tensor, code: tf.Tensor, still: tf.Tensor) -> tf.Tensor:
    """A number whose gradient is that of Tucker et al. 2019, equation 8, for the mean over examples of the bound.

    log_weights: (n, k), computed from `still` with the posterior's parameters fixed. code: (n k, d), with the gradient
    of those parameters; still: the same values without it. With normalised weights w_i, the model's weights get sum_i
    w_i d log w_i and the posterior's sum_i w_i^2 (d log w_i / d z_i) d z_i. Only for compiled code.
    """
    weights = tf.stop_gradient(tf.nn.softmax(log_weights, axis=1))
    slope = tf.stop_gradient(gradient(log_weights, still))
    pathwise = tf.reduce_sum(tf.reshape(tf.square(weights), (-1, 1)) * slope * code)
    return (tf.reduce_sum(weights * log_weights) + pathwise) / tf.cast(tf.shape(log_weights)[0], tf.float32)


def active_units(means: tf.Tensor) -> tf.Tensor:
    """How many numbers of the codes vary with the example: variance of the mean (n, d) over the batch above ACTIVE.

    A batch's estimate of the count of Burda et al. 2016, section 5.2.
    """
    return tf.reduce_sum(tf.cast(tf.math.reduce_variance(means, axis=0) > ACTIVE, tf.float32))


def bits_per_dim(nats: tf.Tensor, likelihood: Likelihood, spec: Spec) -> dict[str, tf.Tensor]:
    """A log of -log2 p(x) a number of an image, from nats an image, where p is the probability of its bytes."""
    return {"bits_per_dim": nats / (spec.size * math.log(2))} if likelihood.measure == "bytes" else {}
