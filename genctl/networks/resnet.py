"""Residual networks (He et al. 2016, with normalization before activation) for images of any size."""

from typing import Any

import keras

from genctl.networks.blocks import (
    Activation,
    AnyNormalization,
    Blocks,
    Normalization,
    Shape,
    Widths,
    activate,
    crop,
    normalize,
    project,
    pyramid,
    require_image,
    weighted,
)
from genctl.networks.sizes import sized


@sized
def build_resnet_down(
    input_shape: Shape,
    output_shape: Shape,
    filters: Widths,
    blocks: Blocks,
    activation: Activation,
    normalization: AnyNormalization,
) -> keras.Model:
    """Image to vector: `blocks` residual blocks a level and an average over 2x2 after each level."""
    require_image(input_shape, "resnet", "input")
    inputs = keras.Input(input_shape)
    x = weighted(keras.layers.Conv2D, normalization, filters[0], 3, padding="same")(inputs)
    for width in filters:
        for _ in range(blocks):
            x = residual(x, width, activation, normalization)
        x = keras.layers.AveragePooling2D(2, padding="same")(x)
    return keras.Model(inputs, project(activate(normalize(x, normalization), activation), output_shape, normalization))


@sized
def build_resnet_up(
    input_shape: Shape,
    output_shape: Shape,
    filters: Widths,
    blocks: Blocks,
    activation: Activation,
    normalization: Normalization,
) -> keras.Model:
    """Vector to image: a linear layer to the coarsest level, then doubling and `blocks` residual blocks a level."""
    require_image(output_shape, "resnet", "output")
    sizes = pyramid(output_shape, len(filters))
    inputs = keras.Input(input_shape)
    x = project(inputs, (*sizes[-1], filters[0]))
    for width, size in zip(filters, reversed(sizes[:-1]), strict=True):
        x = crop(keras.layers.UpSampling2D(2)(x), size)
        for _ in range(blocks):
            x = residual(x, width, activation, normalization)
    x = activate(normalize(x, normalization), activation)
    return keras.Model(inputs, keras.layers.Conv2D(output_shape[-1], 3, padding="same")(x))


def residual(x: Any, width: int, activation: str, normalization: AnyNormalization) -> Any:
    """Two 3x3 convolutions added to their input, which a 1x1 convolution widens where the width changes."""
    shortcut = x if x.shape[-1] == width else weighted(keras.layers.Conv2D, normalization, width, 1)(x)
    for _ in range(2):
        x = activate(normalize(x, normalization), activation)
        x = weighted(keras.layers.Conv2D, normalization, width, 3, padding="same")(x)
    return keras.layers.Add()([shortcut, x])
