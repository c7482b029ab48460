"""Likelihoods of images: each owns the map from a decoder's output to an image, and the loss of that output.

Images are in [-1, 1] with shape (n, ...); parameters are what the decoder gives, of the same shape. Losses work on
intensities in [0, 1], are summed over an example's numbers and have shape (n,).
"""

import math
from collections.abc import Callable
from typing import Annotated, NamedTuple

import tensorflow as tf

from genctl.choices import one_of

FACTORS = 32  # their product stays below 2^32, far from overflow
SCALE = 0.1  # the fixed width of the gaussian and laplace densities, in intensities


class Likelihood(NamedTuple):
    """image: parameters to images in [-1, 1]; loss: (images, parameters) to one number an example.

    density: the loss is -log p(x), of which bounds and importance weights can be made.
    """

    image: Callable[[tf.Tensor], tf.Tensor]
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    density: bool = True


def sigmoid_image(parameters: tf.Tensor) -> tf.Tensor:
    """Intensity sigmoid(parameters), as an image in [-1, 1]: 2 sigmoid(p) - 1 = tanh(p / 2)."""
    return tf.tanh(parameters / 2)


def bernoulli(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """-log p(x) = -x log s - (1 - x) log(1 - s), s = sigmoid(parameters); nats for binary x, cross-entropy for grey x.

    Intensities are used as they are, without binarisation (Kingma and Welling 2014, appendix C.1).
    """
    return total(tf.nn.relu(parameters) - intensity(images) * parameters) + log_product(parameters)


def gaussian(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """-log N(x; s, SCALE^2) in nats, s = sigmoid(parameters)."""
    z = difference(images, parameters) / SCALE
    return total(0.5 * tf.square(z) + math.log(SCALE) + 0.5 * math.log(2 * math.pi))


def laplace(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """-log Laplace(x; s, SCALE) in nats, s = sigmoid(parameters)."""
    return total(tf.abs(difference(images, parameters)) / SCALE + math.log(2 * SCALE))


def squared_error(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """||x - s||^2, s = sigmoid(parameters): squared error an example."""
    return total(tf.square(difference(images, parameters)))


def absolute_error(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """||x - s||_1, s = sigmoid(parameters): absolute error an example."""
    return total(tf.abs(difference(images, parameters)))


@tf.custom_gradient
def log_product(parameters: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """sum_j log(1 + exp(-|p_j|)) of shape (n,): what softplus(p_j) is above max(p_j, 0).

    One logarithm is taken of a product of up to FACTORS factors, each at most 2: logarithms cost the most here.
    """
    logits = tf.reshape(parameters, (-1, math.prod(parameters.shape[1:])))
    factors = max(count for count in range(1, FACTORS + 1) if logits.shape[1] % count == 0)
    powers = tf.exp(-tf.abs(tf.reshape(logits, (-1, factors, logits.shape[1] // factors))))

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        upstream = tf.reshape(upstream, (-1, *[1] * (len(parameters.shape) - 1)))
        return upstream * (tf.sigmoid(parameters) - tf.cast(parameters > 0, tf.float32))

    return tf.reduce_sum(tf.math.log(tf.reduce_prod(1 + powers, axis=1)), axis=1), gradient


def intensity(images: tf.Tensor) -> tf.Tensor:
    """From [-1, 1] to [0, 1]."""
    return (images + 1) / 2


def difference(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """x - sigmoid(parameters), in intensities."""
    return intensity(images) - tf.sigmoid(parameters)


def total(values: tf.Tensor) -> tf.Tensor:
    """Sum over all axes but the first."""
    return tf.reduce_sum(values, axis=list(range(1, len(values.shape))))


LIKELIHOODS = {
    "bernoulli": Likelihood(sigmoid_image, bernoulli),
    "gaussian": Likelihood(sigmoid_image, gaussian),
    "laplace": Likelihood(sigmoid_image, laplace),
    "squared_error": Likelihood(sigmoid_image, squared_error, density=False),
    "absolute_error": Likelihood(sigmoid_image, absolute_error, density=False),
}

LikelihoodName = Annotated[str, one_of(LIKELIHOODS)]
