"""Likelihoods of images: each owns the map from a decoder's output to an image, and the loss of that output.

Images are in [-1, 1] with shape (n, ..., c); parameters are what the decoder gives: (n, ..., c), or (n, ..., 2 c) with
a log scale behind each number where the likelihood has one (strategies/parts/scale.py). Losses work on intensities in
[0, 1], are summed over an example's numbers and have shape (n,); those that are densities are -log p(x) in nats.
"""

import math
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import keras
import tensorflow as tf

from genctl.config.choices import one_of
from genctl.data.spec import Spec
from genctl.errors import UserError

FOLDS = 8  # the rows that a sum over an example is taken in first, which compilers do with whole vectors
SCALE = 0.1  # the fixed width of the gaussian and laplace densities, in intensities
LEAST_LOG_SCALE = -6.0  # of widths that adapt: a quarter of a percent of the range (Rybkin et al. 2021, their code)
HALF_BIN = 0.5 / 255  # half the distance of two bytes, in intensities


class Likelihood(NamedTuple):
    """image: parameters to images in [-1, 1]; loss: (images, parameters) to one number an example.

    measure: what exp(-loss) is: the probability of binary intensities, the density of intensities, the probability of
    the stored bytes, or none of these. scale: what the log scale is that stands behind each number of the parameters:
    a trained weight, or fitted to the errors of training (see strategies/parts/scale.py); None: there is none.
    """

    image: Callable[[tf.Tensor], tf.Tensor]
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    measure: Literal["binary", "density", "bytes"] | None
    scale: Literal["learnt", "fitted"] | None = None


def sigmoid_image(parameters: tf.Tensor) -> tf.Tensor:
    """Intensity sigmoid(parameters), as an image in [-1, 1]: 2 sigmoid(p) - 1 = tanh(p / 2)."""
    return keras.ops.tanh(parameters / 2)


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


def scaled_gaussian(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """-log N(x; s, sigma^2) in nats, with one sigma for all numbers (Rybkin et al. 2021, sections 3.1 and 3.2)."""
    mean, log_scale = tf.split(parameters, 2, axis=-1)
    z = difference(images, mean) * tf.exp(-log_scale)
    return total(0.5 * tf.square(z) + log_scale + 0.5 * math.log(2 * math.pi))


def discretized_logistic(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """-log P(byte of x) in nats: the mass of a logistic distribution around s in the bin of each of 256 intensities.

    Kingma et al. 2016, appendix on CIFAR-10; the outer bins reach to infinity (Salimans et al. 2017, equation 2), so
    that the masses sum to one. One scale is trained. With a, b the bin's edges, sigmoid(b) - sigmoid(a) = sigmoid(b)
    sigmoid(-a) (1 - exp(a - b)), which is exact in the tails too.
    """
    mean, log_scale = tf.split(parameters, 2, axis=-1)
    offset, precision = difference(images, mean), tf.exp(-log_scale)
    above = tf.math.log_sigmoid((offset + HALF_BIN) * precision)
    below = tf.math.log_sigmoid((HALF_BIN - offset) * precision)
    width = tf.math.log(-tf.math.expm1(-2 * HALF_BIN * precision))
    x = intensity(images)
    inner = tf.where(x > 1 - HALF_BIN, below, above + below + width)
    return -total(tf.where(x < HALF_BIN, above, inner))


def squared_error(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """||x - s||^2, s = sigmoid(parameters): squared error an example."""
    return total(tf.square(difference(images, parameters)))


def absolute_error(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """||x - s||_1, s = sigmoid(parameters): absolute error an example."""
    return total(tf.abs(difference(images, parameters)))


def ssim(images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """1 - SSIM(x, s), in [0, 2]: no density (Wang et al. 2004; mean over pixels and channels).

    The window is theirs, 11 by 11 pixels, or as large as fits in the image.
    """
    window = min(11, *images.shape[1:3])
    return 1 - tf.image.ssim(intensity(images), tf.sigmoid(parameters), max_val=1.0, filter_size=window)


@tf.custom_gradient
def log_product(parameters: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """sum_j log(1 + exp(-|p_j|)) of shape (n,): what softplus(p_j) is above max(p_j, 0).

    One logarithm is taken of a product of up to FOLDS factors, each at most 2: logarithms cost the most here.
    """
    powers = tf.exp(-tf.abs(folded(parameters)))

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
    return tf.reduce_sum(tf.reduce_sum(folded(values), axis=1), axis=1)


def folded(values: tf.Tensor) -> tf.Tensor:
    """The numbers of each example in up to FOLDS rows: (n, rows, width)."""
    size = math.prod(values.shape[1:])
    rows = max(count for count in range(1, FOLDS + 1) if size % count == 0)
    return tf.reshape(values, (-1, rows, size // rows))


def mean_image(parameters: tf.Tensor) -> tf.Tensor:
    """The same image where log scales stand behind the means."""
    return sigmoid_image(keras.ops.split(parameters, 2, axis=-1)[0])


LIKELIHOODS = {
    "bernoulli": Likelihood(sigmoid_image, bernoulli, "binary"),
    "gaussian": Likelihood(sigmoid_image, gaussian, "density"),
    "gaussian_learnt": Likelihood(mean_image, scaled_gaussian, "density", scale="learnt"),
    "gaussian_optimal": Likelihood(mean_image, scaled_gaussian, "density", scale="fitted"),
    "laplace": Likelihood(sigmoid_image, laplace, "density"),
    "discretized_logistic": Likelihood(mean_image, discretized_logistic, "bytes", scale="learnt"),
    "squared_error": Likelihood(sigmoid_image, squared_error, None),
    "absolute_error": Likelihood(sigmoid_image, absolute_error, None),
    "ssim": Likelihood(sigmoid_image, ssim, None),
}

LikelihoodName = Annotated[str, one_of(LIKELIHOODS)]


def likelihood_for(spec: Spec, name: str, bound: bool = False, setting: str = "likelihood") -> Likelihood:
    """The likelihood of a name, for the data at hand. Raises UserError where it does not suit them.

    bound: whether the model makes importance weights of it, for which it has to be a density or a probability.
    setting: of the model, which gives the name.
    """
    likelihood = LIKELIHOODS[name]
    if not spec.is_image and (likelihood.measure == "bytes" or name == "ssim"):
        raise UserError(f"model.{setting}={name} is of images, and the examples of '{spec.name}' are vectors.")
    if bound and not likelihood.measure:
        known = ", ".join(other for other, one in LIKELIHOODS.items() if one.measure)
        raise UserError(f"model.likelihood={name} is no density, which this model needs: choose one of {known}.")
    return likelihood
