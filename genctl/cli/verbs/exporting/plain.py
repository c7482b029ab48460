"""Networks of Keras' own layers alone, so that they load where genctl is not."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genctl.errors import UserError
from genctl.networks.layers.fused import PLAIN
from genctl.networks.layers.spectral import Spectral, spectral_norm
from genctl.networks.layers.subpixel import FewChannelsTranspose, phases
from genctl.strategies.parts.scale import Scale

Copied = tuple[Any, list[np.ndarray]]  # a layer that is not built yet, and the weights that it is to have


def plain(network: keras.Model) -> keras.Model:
    """A copy that computes the same in use, not in training, in which genctl's own layers are Keras'.

    Raises UserError where it has layers of others.
    """
    copies: list[Copied] = []

    def copied(layer: Any) -> Any:
        if not isinstance(layer, keras.Layer):  # an operation, which has no weights
            return type(layer).from_config(layer.get_config())
        copies.append(_copy(layer, layer.name))
        return copies[-1][0]

    copy = keras.models.clone_model(network, clone_function=copied)
    for layer, weights in copies:
        layer.set_weights(weights)
    return copy


def _copy(layer: Any, name: str) -> Copied:
    if isinstance(layer, keras.Model):
        network = plain(layer)
        return network, network.get_weights()
    if isinstance(layer, FewChannelsTranspose):
        return _spread_out(layer, name)
    if isinstance(layer, Spectral):
        return _divided(layer, name)
    if type(layer) is keras.layers.SpectralNormalization:  # training divides the kernel itself, and use takes it so
        return _copy(layer.layer, name)
    if type(layer) is keras.layers.TimeDistributed:
        inner, weights = _copy(layer.layer, layer.layer.name)
        return keras.layers.TimeDistributed(inner, name=name), weights
    if isinstance(layer, Scale):
        return _constant(layer, name)
    kind = PLAIN.get(type(layer), type(layer))
    _refuse_foreign(kind.__module__, kind.__name__)
    config = {**layer.get_config(), "name": name}
    for module, of in _described(config):
        _refuse_foreign(module, of)
    return kind.from_config(config), layer.get_weights()


def _divided(layer: Spectral, name: str) -> Copied:
    """The layer inside, with its kernel over its largest singular value, and a bias."""
    kernel = tf.convert_to_tensor(layer.layer.kernel)
    sigma, _ = spectral_norm(kernel, tf.convert_to_tensor(layer.u))
    copy = type(layer.layer).from_config({**layer.layer.get_config(), "use_bias": True, "name": name})
    return copy, [(kernel / sigma).numpy(), layer.bias.numpy()]


def _spread_out(layer: FewChannelsTranspose, name: str) -> Copied:
    """A transposed convolution as a convolution whose channels are then spread out to pixels."""
    kernel, bias = (tf.convert_to_tensor(weight) for weight in (layer.kernel, layer.bias))
    mixed = phases(kernel)
    inputs = keras.Input(layer.input.shape[1:])
    small = keras.layers.Conv2D(4 * layer.filters, mixed.shape[0], padding="same", dtype=layer.dtype_policy)(inputs)
    outputs = layer.activation(keras.ops.depth_to_space(small, 2))
    return keras.Model(inputs, outputs, name=name), [mixed.numpy(), tf.tile(bias, [4]).numpy()]


def _constant(layer: Scale, name: str) -> Copied:
    """The scale as a constant behind the means."""
    log_scale = float(layer.log_scale)
    inputs = keras.Input(layer.input.shape[1:])
    outputs = keras.ops.concatenate([inputs, keras.ops.zeros_like(inputs) + log_scale], axis=-1)
    return keras.Model(inputs, outputs, name=name), []


def _refuse_foreign(module: str, name: str) -> None:
    if module.split(".")[0] != "keras":
        raise UserError(
            f"format=keras: {name} of {module} is not Keras' own, and the file must load without it: use "
            "format=savedmodel."
        )


def _described(config: Any) -> Iterator[tuple[str, str]]:
    """Module and name of each object that a layer's config holds."""
    if isinstance(config, dict) and isinstance(config.get("module"), str):
        yield config["module"], str(config["config"] if config["class_name"] == "function" else config["class_name"])
    items = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    for item in items:
        yield from _described(item)
