"""Networks of Keras' own layers alone, so that they load where genctl is not."""

from typing import Any

import keras
import tensorflow as tf

from genctl.networks.fused import PLAIN
from genctl.networks.subpixel import FewChannelsTranspose, phases


def plain(network: keras.Model) -> keras.Model:
    """A copy with the same weights, in which genctl's own layers are Keras'.

    The transposed convolution is one whose pixels are spread out.
    """
    copy = keras.models.clone_model(network, clone_function=_layer)
    for layer in network.layers:
        if layer.weights and not isinstance(layer, keras.Model):
            copy.get_layer(layer.name).set_weights(_weights(layer))
    return copy


def _layer(layer: Any) -> Any:
    if isinstance(layer, keras.Model):
        return plain(layer)
    if not isinstance(layer, FewChannelsTranspose):
        return PLAIN.get(type(layer), type(layer)).from_config(layer.get_config())
    inputs = keras.Input(layer.input.shape[1:])
    size = phases(tf.convert_to_tensor(layer.kernel)).shape[0]
    small = keras.layers.Conv2D(4 * layer.filters, size, padding="same", dtype=layer.dtype_policy)(inputs)
    outputs = layer.activation(keras.ops.depth_to_space(small, 2))
    return keras.Model(inputs, outputs, name=layer.name)


def _weights(layer: Any) -> list[Any]:
    if not isinstance(layer, FewChannelsTranspose):
        return layer.get_weights()
    kernel, bias = (tf.convert_to_tensor(weight) for weight in (layer.kernel, layer.bias))
    return [phases(kernel).numpy(), tf.tile(bias, [4]).numpy()]
