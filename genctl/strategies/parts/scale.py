"""A decoder whose likelihood has a width of its own, which is learnt or fitted."""

import math
from typing import Any

import keras
import tensorflow as tf

from genctl.compute.parallel import batch_mean
from genctl.objectives.likelihoods import LEAST_LOG_SCALE, SCALE, Likelihood, difference

LEAST_RATE = 0.01  # of a running average: the weight of its newest value, once there are a hundred


class Scale(keras.layers.Layer):
    """Append one log scale to the channels: (n, ..., c) to (n, ..., 2 c), the second half all the same.

    It begins at log SCALE and stays above LEAST_LOG_SCALE.
    """

    def __init__(self) -> None:
        super().__init__(dtype="float32", name="scale")

    @property
    def log_scale(self) -> tf.Tensor:
        """The logarithm of the width, a scalar."""
        raise NotImplementedError

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Means, with the log scale behind."""
        return _behind(inputs, self.log_scale)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Twice the channels."""
        return (*input_shape[:-1], 2 * input_shape[-1])


class LearntScale(Scale):
    """A trained log scale, which a softplus keeps above LEAST_LOG_SCALE (Rybkin et al. 2021, their code)."""

    def build(self, input_shape: Any) -> None:
        """Add the one weight."""
        start = math.log(math.expm1(math.log(SCALE) - LEAST_LOG_SCALE))  # the softplus of this is log SCALE above
        self.excess = self.add_weight(shape=(), initializer=keras.initializers.Constant(start), name="excess")

    @property
    def log_scale(self) -> tf.Tensor:
        """The logarithm of the width, a scalar."""
        return LEAST_LOG_SCALE + tf.math.softplus(self.excess)


class FittedScale(Scale):
    """The scale that suits training best: its square is a running average of the mean squared error of the batches.

    In use it is fixed, and so what it gives is the density of an example by itself, whatever examples are beside it.
    """

    def build(self, input_shape: Any) -> None:
        """Add the average, and how many batches there were."""
        kept = {"shape": (), "trainable": False, "aggregation": "only_first_replica"}  # each device finds the same
        self.variance = self.add_weight(initializer=keras.initializers.Constant(SCALE**2), name="variance", **kept)
        self.batches = self.add_weight(initializer="zeros", name="batches", **kept)

    @property
    def log_scale(self) -> tf.Tensor:
        """The logarithm of the width, a scalar."""
        return tf.math.log(tf.convert_to_tensor(self.variance)) / 2

    def fit(self, images: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Give the parameters the scale that is the best for this batch, and keep its part in the average.

        sigma^2 = mean (x - s)^2 over all numbers of the batch (Rybkin et al. 2021, equation 4), that of all devices.
        No gradient passes sigma: it is where the mean loss has no slope, so that nothing is lost.
        """
        means, _ = tf.split(parameters, 2, axis=-1)
        squares = tf.stop_gradient(tf.square(difference(images, means)))
        variance = tf.maximum(tf.reduce_mean(batch_mean(squares)), math.exp(2 * LEAST_LOG_SCALE))
        batches, average = tf.convert_to_tensor(self.batches) + 1, tf.convert_to_tensor(self.variance)
        self.batches.assign(batches)
        self.variance.assign(average + tf.maximum(1 / batches, LEAST_RATE) * (variance - average))
        return _behind(means, tf.math.log(variance) / 2)


def _behind(means: tf.Tensor, log_scale: tf.Tensor) -> tf.Tensor:
    return tf.concat([means, tf.zeros_like(means) + log_scale], axis=-1)


def with_scale(decoder: keras.Model, likelihood: Likelihood) -> keras.Model:
    """The decoder, with a log scale among its outputs where the likelihood has one."""
    if likelihood.scale is None:
        return decoder
    inputs = keras.Input(decoder.input_shape[1:])
    scale = {"learnt": LearntScale, "fitted": FittedScale}[likelihood.scale]
    return keras.Model(inputs, scale()(decoder(inputs)), name=decoder.name)


def decoded_loss(
    decoder: keras.Model, likelihood: Likelihood, inputs: tf.Tensor, images: tf.Tensor, training: bool
) -> tf.Tensor:
    """The likelihood's loss (n,) of images, given the inputs (n, d) of a decoder that `with_scale` has made.

    In training, a scale that is to be fitted is that of the batch.
    """
    parameters = decoder(inputs, training=training)
    if training and likelihood.scale == "fitted":
        parameters = decoder.layers[-1].fit(images, parameters)
    return likelihood.loss(images, parameters)
