"""A generator beside an autoencoder: what goes into it, and what becomes of what it makes."""

from collections.abc import Callable
from typing import Literal

import keras
import tensorflow as tf

from genctl.compute.context import Noise
from genctl.compute.parallel import batch_mean
from genctl.strategies.parts.autoencoder import Autoencoder
from genctl.strategies.parts.strategy import attach

Takes = Literal["noise", "codes", "both"]
Makes = Literal["image", "code"]


class PairedGenerator:
    """A generator G of images, or of codes that the decoder draws; it has inputs of a code's size."""

    def __init__(self, network: keras.Model, autoencoder: Autoencoder, makes: Makes) -> None:
        self.network, self.autoencoder, self.makes = network, autoencoder, makes

    def noise(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        """z ~ N(0, I), one for each row of `label`."""
        return noise.normal("z", (keras.ops.shape(label)[0], self.network.input_shape[-1] - label.shape[-1]))

    def make(self, inputs: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        """What G makes of what it is given: codes, or parameters of images."""
        return self.network(attach(inputs, label), training=training)

    def image(self, inputs: tf.Tensor, label: tf.Tensor, training: bool = False, joint: bool = False) -> tf.Tensor:
        """The images (n, ...) in [-1, 1] of what G is given; `joint`: the decoder is in training too."""
        made = self.make(inputs, label, training)
        return (
            self.autoencoder.decode(made, label, joint)
            if self.makes == "code"
            else self.autoencoder.likelihood.image(made)
        )

    def code(self, inputs: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """The codes (n, d) of the images of what is given to G."""
        if self.makes == "code":
            return self.make(inputs, label)
        return self.autoencoder.encode(self.image(inputs, label), label)


def mixed(takes: Takes, z: tf.Tensor, codes: Callable[[], tf.Tensor]) -> tf.Tensor:
    """What a generator is given in training, (n, d), from noise z and from codes E(x) of as many images.

    Codes are standardized, so that they can stand beside z, and samples be drawn from z alone. Of both, each has every
    other row.
    """
    if takes == "noise":
        return z
    code = standardized(codes())
    return code if takes == "codes" else tf.where(tf.range(tf.shape(z)[0])[:, None] % 2 == 0, z, code)


def standardized(code: tf.Tensor) -> tf.Tensor:
    """Give each number of the codes (n, d) mean 0 and variance 1 over the batch, that of all devices."""
    mean = batch_mean(code)
    return (code - mean) * tf.math.rsqrt(batch_mean(tf.square(code - mean)) + 1e-6)
