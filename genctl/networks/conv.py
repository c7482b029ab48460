"""Convolutional networks for images of any size, odd and non-square ones included (Radford et al. 2016)."""

from typing import Any

import keras

from genctl.networks.blocks import (
    Activation,
    AnyNormalization,
    Fraction,
    Kernel,
    Normalization,
    Shape,
    Units,
    Widths,
    activate,
    crop,
    dense,
    normalize,
    project,
    pyramid,
    require_image,
    weighted,
)
from genctl.networks.layers.subpixel import FewChannelsTranspose
from genctl.networks.sizes import sized


@sized
def build_conv_down(
    input_shape: Shape,
    output_shape: Shape,
    filters: Widths,
    kernel_size: Kernel,
    activation: Activation,
    normalization: AnyNormalization,
    dropout: Fraction,
    units: Units = (),
) -> keras.Model:
    """Image to vector: one strided convolution a level, hidden dense layers of `units`, then a linear layer."""
    require_image(input_shape, "conv", "input")
    inputs = x = keras.Input(input_shape)
    for width in filters:
        x = weighted(keras.layers.Conv2D, normalization, width, kernel_size, strides=2, padding="same")(x)
        x = activate(normalize(x, normalization), activation)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    x = dense(x, units, activation, normalization, dropout)
    return keras.Model(inputs, project(x, output_shape, normalization))


@sized
def build_conv_up(
    input_shape: Shape,
    output_shape: Shape,
    filters: Widths,
    kernel_size: Kernel,
    activation: Activation,
    normalization: Normalization,
    units: Units = (),
) -> keras.Model:
    """Vector to image: the mirror image of `down`, with transposed convolutions, the last of them linear."""
    require_image(output_shape, "conv", "output")
    sizes = pyramid(output_shape, len(filters))

    def finish(x: Any) -> Any:
        return activate(normalize(x, normalization), activation)

    inputs = keras.Input(input_shape)
    x = dense(inputs, units, activation, normalization)
    x = finish(project(x, (*sizes[-1], filters[0])))
    for width, size in zip(filters[1:], reversed(sizes[1:-1]), strict=True):
        x = finish(crop(keras.layers.Conv2DTranspose(width, kernel_size, strides=2, padding="same")(x), size))
    x = FewChannelsTranspose(output_shape[-1], kernel_size)(x)
    return keras.Model(inputs, crop(x, sizes[0]))
