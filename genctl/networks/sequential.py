"""A network from a list of Keras layers in YAML."""

import contextlib
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from genctl.compute.compiled import compiled
from genctl.compute.failures import reason
from genctl.compute.parallel import count
from genctl.errors import UserError
from genctl.networks.blocks import Shape, crop, project
from genctl.networks.sizes import sized


def build_sequential(input_shape: Shape, output_shape: Shape, layers: list) -> keras.Model:
    """Chain the layers between the given shapes.

    A Dense layer that meets an image gets it flattened first. Where the last layer's output has not the shape that is
    asked for, a linear layer is added: a 1x1 convolution (and a crop) from image to image, a dense layer otherwise.
    Raises UserError for layers that cannot be called, or that gradients do not pass.
    """
    _check(layers)
    for layer in (inner for outer in layers for inner in outer._flatten_layers()):
        if isinstance(layer, keras.layers.BatchNormalization) and count() > 1:
            layer.synchronized = True  # as blocks.normalize has it
    network = _chained(input_shape, output_shape, layers)
    if not network.trainable_variables:
        raise UserError("layers: none of them has weights that learn: leave trainable=false out, or add a Dense layer.")
    _try(network, layers)
    return network


def fit(x: Any, output_shape: Shape) -> Any:
    """Bring `x` to the shape asked for, with as little as does it."""
    shape = tuple(x.shape[1:])
    if shape == output_shape:
        return x
    covers = len(shape) == len(output_shape) == 3 and shape[0] >= output_shape[0] and shape[1] >= output_shape[1]
    if not covers:
        return project(x, output_shape)
    return keras.layers.Conv2D(output_shape[-1], 1)(crop(x, (output_shape[0], output_shape[1])))


def _check(layers: Sequence[Any]) -> None:
    """Refuse what is no layer, or has a name or a type of numbers that the network cannot have."""
    known: dict[str, int] = {}
    usual = {"float32", keras.config.dtype_policy().compute_dtype}
    for position, layer in enumerate(layers):
        label = f"layers[{position}] ({type(layer).__name__})"
        if not isinstance(layer, keras.layers.Layer):
            raise UserError(f"{label} is not a layer of Keras, such as Dense: {{units: 128}}.")
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", layer.name):
            raise UserError(f"{label}: name={layer.name[:100]}: write it in letters, digits, '_', '.' and '-'.")
        if layer.name in known:
            raise UserError(f"{label}: name={layer.name} is that of layers[{known[layer.name]}] too: choose another.")
        known[layer.name] = position
        for inner in layer._flatten_layers():
            if inner.compute_dtype not in usual or inner.variable_dtype != "float32":
                raise UserError(
                    f"{label}: dtype={inner.dtype_policy.name}: leave dtype out, as layers compute in what "
                    "trainer.precision says, or in float32."
                )


@sized
def _chained(input_shape: Shape, output_shape: Shape, layers: Sequence[keras.layers.Layer]) -> keras.Model:
    inputs = x = keras.Input(input_shape)
    for position, layer in enumerate(layers):
        if isinstance(layer, keras.layers.Dense) and len(x.shape) > 2:
            x = keras.layers.Flatten()(x)
        with _explained(position, layer, x.shape):
            x = layer(x)
            _require_tensor(x)
    try:
        return keras.Model(inputs, fit(x, output_shape))
    except ValueError as error:  # such as a name that Keras has given to another layer
        raise UserError(f"layers: {reason(error)}.") from error


@contextlib.contextmanager
def _explained(position: int, layer: keras.layers.Layer, shape: Sequence[int | None]) -> Iterator[None]:
    """Within the block, whatever goes wrong is a UserError that names the layer: each kind fails in its own way."""
    try:
        yield
    except Exception as error:
        takes = "x".join(map(str, shape[1:])) or "a single number"
        raise UserError(
            f"layers[{position}] ({type(layer).__name__}) does not fit its input of shape {takes}: {reason(error)}."
        ) from error


def _require_tensor(x: Any) -> None:
    """Raise ValueError for what the next layer cannot learn from."""
    if len(keras.tree.flatten(x)) != 1:
        raise ValueError(f"it gives {len(keras.tree.flatten(x))} outputs, and the next layer takes one")
    if x.shape[0] is not None or any(not size for size in x.shape[1:]):
        raise ValueError(
            f"its output has the shape {tuple(x.shape)}: all sizes but the first should be known, and not 0"
        )
    if "float" not in keras.backend.standardize_dtype(x.dtype):
        raise ValueError(f"it gives {keras.backend.standardize_dtype(x.dtype)}, which nothing can learn from")


def _try(network: keras.Model, layers: Sequence[keras.layers.Layer]) -> None:
    """Trace the network in and out of training, without computing anything, to find what fails only then."""
    places = {layer.name: position for position, layer in enumerate(layers)}

    def run(x: tf.Tensor, training: bool) -> tf.Tensor:
        for layer in network.layers[1:]:
            takes = {"training": training} if "training" in inspect.signature(layer.call).parameters else {}
            with _explained(places[layer.name], layer, x.shape) if layer.name in places else contextlib.nullcontext():
                y = layer(x, **takes)
                if tf.gradients(y, x)[0] is None:
                    raise ValueError("no gradient passes it, so that nothing before it could learn")
                if y.shape[0] != x.shape[0]:
                    raise ValueError(f"it makes {y.shape[0]} rows of the {x.shape[0]} of a batch")
            x = y
        return x

    for training, rows in ((True, 3), (False, None)):
        examples = tf.TensorSpec((rows, *network.input_shape[1:]))
        compiled(run).get_concrete_function(examples, training)
