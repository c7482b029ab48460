"""What a discriminator sees in an image before it gives its score."""

from collections.abc import Callable

import keras
import tensorflow as tf

from genctl.errors import UserError

Features = Callable[[tf.Tensor, bool], tf.Tensor]


def features(network: keras.Model) -> Features:
    """A function of (inputs, training) to what the network's convolutions make of an image, float32 (n, ...).

    Of a network without convolutions it is what goes into the last weights. It uses the network's own layers. Raises
    UserError for a network that Keras does not know layer by layer.
    """
    weighted = [layer for layer in getattr(network, "layers", []) if layer.weights]
    try:
        dense = [layer for layer in weighted if len(layer.output.shape) == 2]
        spatial = len(dense) < len(weighted)
        model = keras.Model(network.inputs, (dense[0] if spatial else dense[-1]).input)
    except (IndexError, AttributeError, ValueError) as error:
        raise UserError(
            "discriminator: what it sees before its score cannot be told: choose one that is a chain of Keras layers "
            "with weights, such as discriminator=conv."
        ) from error
    return lambda inputs, training: tf.cast(model(inputs, training=training), tf.float32)
