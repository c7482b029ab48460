"""Likelihoods of images: each owns the map from a decoder's output to an image, and the loss of that output.

Images are in [-1, 1] with shape (n, ...); parameters are what the decoder gives, of the same shape. Losses work on
intensities in [0, 1], are summed over an example's numbers and have shape (n,).
"""

import math
from collections.abc import Callable
from typing import Annotated, NamedTuple

import tensorflow as tf

from genctl.choices import one_of

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
    return total(tf.nn.sigmoid_cross_entropy_with_logits(intensity(images), parameters))


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
