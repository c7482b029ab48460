"""A decoder whose likelihood has a width of its own to learn."""

import math
from typing import Any

import keras
import tensorflow as tf

from genctl.objectives.likelihoods import LEAST_LOG_SCALE, SCALE, Likelihood


class LearntScale(keras.layers.Layer):
    """Append one trained log scale to the channels: (n, ..., c) to (n, ..., 2 c), the second half all the same.

    It begins at log SCALE and stays above LEAST_LOG_SCALE by a softplus (Rybkin et al. 2021, their code).
    """

    def __init__(self) -> None:
        super().__init__(dtype="float32", name="learnt_scale")

    def build(self, input_shape: Any) -> None:
        """Add the one weight."""
        start = math.log(math.expm1(math.log(SCALE) - LEAST_LOG_SCALE))  # the softplus of this is log SCALE above
        self.excess = self.add_weight(shape=(), initializer=keras.initializers.Constant(start), name="excess")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Means, with the log scale behind."""
        log_scale = LEAST_LOG_SCALE + tf.math.softplus(self.excess)
        return tf.concat([inputs, tf.zeros_like(inputs) + log_scale], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Twice the channels."""
        return (*input_shape[:-1], 2 * input_shape[-1])


def with_scale(decoder: keras.Model, likelihood: Likelihood) -> keras.Model:
    """The decoder, with a log scale among its outputs where the likelihood learns one."""
    if not likelihood.learns_scale:
        return decoder
    inputs = keras.Input(decoder.input_shape[1:])
    return keras.Model(inputs, LearntScale()(decoder(inputs)), name=decoder.name)
