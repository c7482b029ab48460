"""A generator that gives its image at several sizes, for a discriminator of each."""

from typing import Any

import keras

from genctl.errors import UserError
from genctl.networks.blocks import (
    Activation,
    Kernel,
    Normalization,
    Shape,
    Widths,
    activate,
    crop,
    normalize,
    project,
    pyramid,
    require_image,
)
from genctl.networks.sizes import sized


@sized
def build_multiscale_up(
    input_shape: Shape,
    output_shape: Shape,
    filters: Widths,
    kernel_size: Kernel,
    activation: Activation,
    normalization: Normalization,
) -> keras.Model:
    """Vector to images, one a level, coarsest first; each doubles height and width.

    A level adds what it has to say to the enlarged image of the level before (Karras et al. 2020, figure 7b). At first
    that is nothing, so a level that has not begun to learn shows the image of the one before.
    """
    require_image(output_shape, "multiscale", "output")
    sizes = _sizes(output_shape, len(filters))

    def finish(x: Any) -> Any:
        return activate(normalize(x, normalization), activation)

    inputs = keras.Input(input_shape)
    x = finish(project(inputs, (*sizes[0], filters[0])))
    images = [keras.layers.Conv2D(output_shape[-1], 1)(x)]
    for width, size in zip(filters[1:], sizes[1:], strict=True):
        x = finish(crop(keras.layers.Conv2DTranspose(width, kernel_size, strides=2, padding="same")(x), size))
        more = keras.layers.Conv2D(output_shape[-1], 1, kernel_initializer="zeros")(x)
        enlarged = crop(keras.layers.UpSampling2D(2)(images[-1]), size)
        images.append(keras.layers.Add()([enlarged, more]))
    return keras.Model(inputs, images)


def _sizes(shape: Shape, levels: int) -> list[tuple[int, int]]:
    """Height and width of each level, coarsest first. Raises UserError where that is less than 2 pixels a side."""
    sizes = pyramid(shape, levels - 1)
    possible = [size for size in sizes if min(size) > 1] or sizes[:1]
    if len(possible) < levels:
        raise UserError(
            f"filters has {levels} levels, and images of {shape[0]}x{shape[1]} allow {len(possible)}, the smallest of "
            f"{possible[-1][0]}x{possible[-1][1]}: give the channels of {len(possible)} or fewer."
        )
    return sizes[::-1]
