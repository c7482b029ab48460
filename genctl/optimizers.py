"""The optimizers that YAML may name: Keras' own, with their ranges checked. Each returns a keras.Optimizer.

Keras is imported inside the functions, so that a mistake in a config is reported before TensorFlow starts.
"""

from typing import Annotated, Any

from pydantic import Field, NonNegativeFloat, PositiveFloat

Momentum = Annotated[float, Field(ge=0, lt=1)]


def adam(learning_rate: PositiveFloat, beta_1: Momentum, beta_2: Momentum, epsilon: PositiveFloat) -> Any:
    """Adam (Kingma and Ba 2015, algorithm 1)."""
    import keras

    return keras.optimizers.Adam(learning_rate, beta_1, beta_2, epsilon)


def adamw(
    learning_rate: PositiveFloat,
    weight_decay: NonNegativeFloat,
    beta_1: Momentum,
    beta_2: Momentum,
    epsilon: PositiveFloat,
) -> Any:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2)."""
    import keras

    return keras.optimizers.AdamW(learning_rate, weight_decay, beta_1, beta_2, epsilon)


def rmsprop(learning_rate: PositiveFloat, rho: Momentum, momentum: Momentum, epsilon: PositiveFloat) -> Any:
    """Gradient divided by a running average of its size (Tieleman and Hinton 2012)."""
    import keras

    return keras.optimizers.RMSprop(learning_rate, rho, momentum, epsilon)


def sgd(learning_rate: PositiveFloat, momentum: Momentum, nesterov: bool) -> Any:
    """Stochastic gradient descent with momentum (Sutskever et al. 2013)."""
    import keras

    return keras.optimizers.SGD(learning_rate, momentum, nesterov)
