"""Multi-layer perceptrons: from any shape to any shape."""

from typing import Annotated

import keras
from pydantic import Field, PositiveInt

from genctl.networks.blocks import (
    Activation,
    AnyNormalization,
    Fraction,
    Shape,
    activate,
    normalize,
    project,
    weighted,
)


def mlp(
    input_shape: Shape,
    output_shape: Shape,
    units: Annotated[list[PositiveInt], Field(min_length=0)],
    activation: Activation,
    normalization: AnyNormalization,
    dropout: Fraction,
) -> keras.Model:
    """Dense hidden layers of `units`, then a linear layer of the output's shape."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(inputs)
    for width in units:
        x = activate(normalize(weighted(keras.layers.Dense, normalization, width)(x), normalization), activation)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    return keras.Model(inputs, project(x, output_shape, normalization))
