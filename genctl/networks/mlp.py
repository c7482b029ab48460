"""Multi-layer perceptrons: from any shape to any shape."""

import keras

from genctl.networks.blocks import Activation, AnyNormalization, Fraction, Shape, Units, dense, project
from genctl.networks.sizes import sized


@sized
def build_mlp(
    input_shape: Shape,
    output_shape: Shape,
    units: Units,
    activation: Activation,
    normalization: AnyNormalization,
    dropout: Fraction,
) -> keras.Model:
    """Dense hidden layers of `units`, then a linear layer of the output's shape."""
    inputs = keras.Input(input_shape)
    x = dense(keras.layers.Flatten()(inputs), units, activation, normalization, dropout)
    return keras.Model(inputs, project(x, output_shape, normalization))
