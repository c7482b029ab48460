"""Penalties on the codes of a deterministic autoencoder: each is one number for the batch of all devices."""

import functools
from collections.abc import Callable, Mapping
from typing import Annotated

import tensorflow as tf

from genctl.compute.context import Noise
from genctl.compute.parallel import batch_mean
from genctl.config.choices import one_of
from genctl.objectives.gradients import gradient
from genctl.objectives.likelihoods import total

Regularizer = Callable[[tf.Tensor, tf.Tensor, Noise], tf.Tensor]  # (codes, the encoder's inputs, noise) to a number


def l1(codes: tf.Tensor) -> tf.Tensor:
    """Mean over examples of sum_j |code_j|, for codes (n, d)."""
    return tf.reduce_mean(tf.reduce_sum(tf.abs(codes), axis=1))


def activity_kl(codes: tf.Tensor, target: float) -> tf.Tensor:
    """sum_j KL(Bernoulli(target) || Bernoulli(a_j)) in nats, a_j the mean of code j in (0, 1) over the batch.

    Ng's notes on sparse autoencoders (CS294A, 2011), after Lee et al. 2007.
    """
    activity = tf.clip_by_value(batch_mean(codes), 1e-6, 1 - 1e-6)
    on = target * (tf.math.log(target) - tf.math.log(activity))
    off = (1 - target) * (tf.math.log(1 - target) - tf.math.log(1 - activity))
    return tf.reduce_sum(on + off)


def contractive(
    encode: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, noise: Noise, projections: int
) -> tf.Tensor:
    """Mean over examples of ||J||_F^2, J the Jacobian of `encode` at an image (Rifai et al. 2011, equation 2).

    encode: images (n, ...) to codes (n, d). projections: see `jacobian_norm`.
    """
    images = tf.identity(images)  # so that the images' own history counts for nothing
    return jacobian_norm(encode(images), images, noise, projections)


def jacobian_norm(codes: tf.Tensor, images: tf.Tensor, noise: Noise, projections: int) -> tf.Tensor:
    """Mean over examples of `jacobian_norms`."""
    return tf.reduce_mean(jacobian_norms(codes, images, noise, projections))


def jacobian_norms(codes: tf.Tensor, images: tf.Tensor, noise: Noise, projections: int) -> tf.Tensor:
    """The squared Frobenius norm of d code / d image for each example, (n,); only for compiled code.

    codes: (n, d), each computed from its own one of the images (n, ...): without batch normalization, which mixes them.
    images: float32 as the network takes them, in [-1, 1]; in intensities the norm is four times as large.
    projections: 0 sums the squared gradients of all d numbers of a code. Otherwise so many random v ~ N(0, I) estimate
    the same without bias, since E ||v^T J||^2 = ||J||_F^2 (Hutchinson 1990).
    """
    if projections:
        directions = [noise.normal(f"projection/{index}", tf.shape(codes)) for index in range(projections)]
    else:
        directions = [tf.one_hot([index], codes.shape[1]) for index in range(codes.shape[1])]
    norms = [total(tf.square(gradient(codes * direction, images))) for direction in directions]
    return tf.reduce_sum(tf.stack(norms), axis=0) / max(projections, 1)


# Each entry makes a penalty from the settings `sparsity` (the target of the mean activation) and `projections`.
REGULARIZERS: Mapping[str, Callable[[float, int], Regularizer]] = {
    "none": lambda sparsity, projections: lambda codes, images, noise: tf.zeros(()),
    "l1": lambda sparsity, projections: lambda codes, images, noise: l1(codes),
    "kl": lambda sparsity, projections: lambda codes, images, noise: activity_kl(codes, sparsity),
    "contractive": lambda sparsity, projections: functools.partial(jacobian_norm, projections=projections),
}

RegularizerName = Annotated[str, one_of(REGULARIZERS)]
