"""Penalties on the slope of a discriminator's scores with respect to what it sees: means over examples.

Each takes a function from images (n, ...) to scores (n, 1), real and generated images, and noise. An image's score must
not depend on the other images. Only for compiled code, as a player's gradients are, which pass through these slopes.
"""

from collections.abc import Callable
from typing import Annotated

import tensorflow as tf

from genctl.compute.context import Noise
from genctl.config.choices import one_of

Score = Callable[[tf.Tensor], tf.Tensor]
Penalty = Callable[[Score, tf.Tensor, tf.Tensor, Noise], tf.Tensor]


def gradient_penalty(score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
    """E[(||grad D(x)|| - 1)^2] at x = e real + (1 - e) fake, e uniform (Gulrajani et al. 2017, equation 3)."""
    share = noise.uniform("interpolation", (tf.shape(real)[0], *[1] * (len(real.shape) - 1)))
    squared_norm = squared_slope(score, share * real + (1 - share) * fake)
    return tf.reduce_mean(tf.square(tf.sqrt(squared_norm + 1e-12) - 1))  # at 0 a square root has no finite slope


def r1(score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
    """1/2 E[||grad D(real)||^2] (Mescheder et al. 2018, equation 9)."""
    return 0.5 * tf.reduce_mean(squared_slope(score, real))


def r2(score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
    """1/2 E[||grad D(fake)||^2] (Mescheder et al. 2018, equation 10)."""
    return 0.5 * tf.reduce_mean(squared_slope(score, fake))


def squared_slope(score: Score, images: tf.Tensor) -> tf.Tensor:
    """||grad D(x)||^2 of each image, float32 (n,). Gradients are summed in pairs: see Player.minimize."""
    images = tf.identity(images)  # so that nothing but this score depends on it
    method = tf.AggregationMethod.EXPERIMENTAL_TREE
    (slope,) = tf.gradients(score(images), images, aggregation_method=method)
    return tf.reduce_sum(tf.square(slope), axis=list(range(1, len(images.shape))))


PENALTIES: dict[str, Penalty] = {"gradient_penalty": gradient_penalty, "r1": r1, "r2": r2}

PenaltyName = Annotated[str, one_of(["none", *PENALTIES])]
