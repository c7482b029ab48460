"""The optimizers that YAML may name: Keras' own, with their ranges checked, and what a player does around them.

Keras is imported inside the functions, so that a mistake in a config is reported before TensorFlow starts.
"""

import dataclasses
from typing import Annotated, Any, TypedDict, Unpack

from pydantic import Field

from genctl.config.intervals import Amount, PositiveAmount, PositiveSteps
from genctl.config.schedules import PositiveScheduled

Momentum = Annotated[float, Field(ge=0, lt=1)]
PositiveMomentum = Annotated[float, Field(gt=0, lt=1)]


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """How a player moves its weights.

    rule: the keras.Optimizer; its own learning rate is not used, since the player sets it at every step.
    clip_norm: the global norm that a player's gradients are scaled down to where it is more (Pascanu et al. 2013,
        algorithm 1); None: any norm is taken.
    accumulate: gradients of so many turns are averaged before the weights move.
    """

    rule: Any
    learning_rate: PositiveScheduled
    clip_norm: PositiveAmount | None = None
    accumulate: PositiveSteps = 1


class CommonSettings(TypedDict):
    """What every optimizer takes beside its rule's own settings; see Optimizer."""

    learning_rate: PositiveScheduled
    clip_norm: PositiveAmount | None
    accumulate: PositiveSteps


def adam(beta_1: Momentum, beta_2: Momentum, epsilon: PositiveAmount, **shared: Unpack[CommonSettings]) -> Optimizer:
    """Adam (Kingma and Ba 2015, in the order of computation at the end of their section 2).

    epsilon: their epsilon hat, which stands beside the root of the second moment before that is corrected.
    """
    import keras

    return Optimizer(keras.optimizers.Adam(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon), **shared)


def adamw(
    weight_decay: Amount,
    beta_1: Momentum,
    beta_2: Momentum,
    epsilon: PositiveAmount,
    **shared: Unpack[CommonSettings],
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2); epsilon as of `adam`.

    Of every step, weight_decay times the learning rate of a weight is taken off it.
    """
    import keras

    rule = keras.optimizers.AdamW(weight_decay=weight_decay, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    return Optimizer(rule, **shared)


def lion(
    weight_decay: Amount, beta_1: PositiveMomentum, beta_2: Momentum, **shared: Unpack[CommonSettings]
) -> Optimizer:
    """The sign of a momentum, with decoupled weight decay (Chen et al. 2023, algorithm 2)."""
    import keras

    return Optimizer(keras.optimizers.Lion(weight_decay=weight_decay, beta_1=beta_1, beta_2=beta_2), **shared)


def rmsprop(rho: Momentum, momentum: Momentum, epsilon: PositiveAmount, **shared: Unpack[CommonSettings]) -> Optimizer:
    """Gradient over the root of a running mean of its square, plus epsilon (Tieleman and Hinton 2012).

    momentum: of the sum of steps, each with the learning rate that it was taken with.
    """
    import keras

    return Optimizer(keras.optimizers.RMSprop(rho=rho, momentum=momentum, epsilon=epsilon), **shared)


def sgd(momentum: Momentum, nesterov: bool, **shared: Unpack[CommonSettings]) -> Optimizer:
    """Stochastic gradient descent (Sutskever et al. 2013); momentum as of `rmsprop`."""
    import keras

    rule = keras.optimizers.SGD(momentum=float(momentum), nesterov=nesterov)  # Keras refuses an int
    return Optimizer(rule, **shared)
