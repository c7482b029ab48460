"""Pieces that networks share, as functions from tensor to tensor, and the types of their arguments."""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import keras
from pydantic import AfterValidator, Field

from genctl.compute.parallel import count
from genctl.config.intervals import Width
from genctl.errors import UserError, did_you_mean
from genctl.networks.layers.fused import BatchNorm, LeakyReLU
from genctl.networks.layers.spectral import Spectral

Shape = tuple[int, ...]
Size = tuple[int, int]
Widths = Annotated[
    list[Width], Field(min_length=1, max_length=16)
]  # a level halves an image: 16 leave one pixel of any
Units = Annotated[Sequence[Width], Field(max_length=100)]
Kernel = Annotated[int, Field(gt=0, le=64)]
Blocks = Annotated[int, Field(gt=0, le=100)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Normalization = Literal["none", "batch", "group"]
AnyNormalization = Literal["none", "batch", "group", "spectral"]  # the last is of weights, and not of what they give


def _known_activation(name: str) -> str:
    choices = keras.activations.__all__ if hasattr(keras.activations, "__all__") else dir(keras.activations)
    names = [choice for choice in choices if choice[0].islower() and callable(getattr(keras.activations, choice))]
    if name not in names:
        raise ValueError(f"is not an activation of Keras{did_you_mean(name, names) or '.'}".rstrip("."))
    return name


Activation = Annotated[str, AfterValidator(_known_activation)]


def activate(x: Any, activation: str) -> Any:
    """Apply an activation by its Keras name; leaky_relu has slope 0.2, as in DCGAN (Radford et al. 2016)."""
    if activation == "leaky_relu":
        return LeakyReLU(negative_slope=0.2)(x)
    return keras.layers.Activation(activation)(x)


def weighted(
    layer: Callable[..., keras.layers.Layer], normalization: AnyNormalization, *arguments: Any, **options: Any
) -> keras.layers.Layer:
    """A dense layer or a convolution, whose weights are normalized where that is wanted."""
    if normalization == "spectral":
        return Spectral(layer(*arguments, use_bias=False, **options))
    return layer(*arguments, **options)


def normalize(x: Any, kind: AnyNormalization) -> Any:
    """Batch or group normalization over channels (Ioffe and Szegedy 2015; Wu and He 2018), or nothing."""
    if kind == "batch":
        return BatchNorm(synchronized=count() > 1)(x)
    if kind == "group":
        return keras.layers.GroupNormalization(groups=math.gcd(8, x.shape[-1]))(x)
    return x


def dense(
    x: Any, units: Sequence[int], activation: str, normalization: AnyNormalization = "none", dropout: float = 0.0
) -> Any:
    """Hidden dense layers of these widths on a tensor of any shape."""
    x = keras.layers.Flatten()(x) if units and len(x.shape) > 2 else x
    for width in units:
        x = activate(normalize(weighted(keras.layers.Dense, normalization, width)(x), normalization), activation)
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    return x


def project(x: Any, output_shape: Shape, normalization: AnyNormalization = "none") -> Any:
    """Map linearly to the output's shape, whatever the input's; of the normalizations only that of weights is used."""
    if len(x.shape) > 2:
        x = keras.layers.Flatten()(x)
    x = weighted(keras.layers.Dense, normalization, math.prod(output_shape))(x)
    return keras.layers.Reshape(output_shape)(x) if len(output_shape) > 1 else x


def crop(x: Any, size: Size) -> Any:
    """Cut rows below and columns on the right of `size` away."""
    below, right = x.shape[1] - size[0], x.shape[2] - size[1]
    return keras.layers.Cropping2D(((0, below), (0, right)))(x) if below or right else x


def pyramid(shape: Shape, levels: int) -> list[Size]:
    """Heights and widths from the image down, each half of the one before, rounded up."""
    sizes = [(shape[0], shape[1])]
    for _ in range(levels):
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    return sizes


def require_image(shape: Shape, kind: str, side: str) -> None:
    """Refuse a convolutional network whose image side is a vector. Raises UserError, which says so."""
    if len(shape) != 3:
        raise UserError(f"{kind} needs images, and its {side} here is a vector of {math.prod(shape)}: choose mlp.")
