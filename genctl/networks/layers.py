"""A network from a list of Keras layers in YAML."""

from typing import Any

import keras

from genctl.errors import UserError
from genctl.networks.blocks import Shape, crop, project


def layers(input_shape: Shape, output_shape: Shape, layers: list) -> keras.Model:
    """Chain the layers between the given shapes.

    A Dense layer that meets an image gets it flattened first. Where the last layer's output has not the shape that is
    asked for, a linear layer is added: a 1x1 convolution (and a crop) from image to image, a dense layer otherwise.
    """
    inputs = x = keras.Input(input_shape)
    for position, layer in enumerate(layers):
        if isinstance(layer, keras.layers.Dense) and len(x.shape) > 2:
            x = keras.layers.Flatten()(x)
        try:
            x = layer(x)
        except (ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"layers[{position}] ({type(layer).__name__}) does not fit its input of shape {x.shape[1:]}: {reason}"
            ) from error
    return keras.Model(inputs, fit(x, output_shape))


def fit(x: Any, output_shape: Shape) -> Any:
    """Bring `x` to the shape asked for, with as little as does it."""
    shape = tuple(x.shape[1:])
    if shape == output_shape:
        return x
    covers = len(shape) == len(output_shape) == 3 and shape[0] >= output_shape[0] and shape[1] >= output_shape[1]
    if not covers:
        return project(x, output_shape)
    return keras.layers.Conv2D(output_shape[-1], 1)(crop(x, (output_shape[0], output_shape[1])))
