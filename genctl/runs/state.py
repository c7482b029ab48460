"""The state of a strategy: all its variables by name, as a checkpoint stores them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from genctl.errors import UserError
from genctl.strategies.parts.strategy import Strategy

LOGS = "logs/"  # names of the sums of training logs, which belong to the run


def variables(strategy: Strategy) -> dict[str, Any]:
    """Every variable by a name that does not depend on Keras' numbering.

    The networks' include seeds of dropout and statistics of normalization; the players' are those of the optimizers and
    the running averages of weights.
    """
    networks = {
        f"networks/{role}/{index:03d}.{variable.name}": variable
        for role, network in strategy.networks.items()
        for index, variable in enumerate(network.variables)
    }
    players = {
        f"players/{name}/{index:03d}": variable
        for name, player in strategy.players.items()
        for index, variable in enumerate(player.variables)
    }
    return networks | players


def restore(strategy: Strategy, arrays: Mapping[str, np.ndarray]) -> None:
    """Give variables their stored values; refuse a checkpoint with other names, shapes or types.

    What is stored of the training logs is not the strategy's and is passed over.
    """
    arrays = {name: value for name, value in arrays.items() if not name.startswith(LOGS)}
    assign(variables(strategy), arrays, "the checkpoint does not fit these networks")


def assign(state: Mapping[str, Any], arrays: Mapping[str, np.ndarray], problem: str) -> None:
    """Give each variable the array of its name. Raises UserError, before it changes any, where the two do not fit.

    problem: what the error begins with.
    """
    if odd := sorted(state.keys() ^ arrays.keys()):
        raise UserError(f"{problem}: {odd[0]} is on one side only ({len(odd)} such).")
    for name, variable in state.items():
        value, dtype = arrays[name], tf.as_dtype(variable.dtype).as_numpy_dtype
        if value.shape != tuple(variable.shape) or value.dtype != dtype:
            raise UserError(
                f"{problem}: {name} is {value.dtype}{list(value.shape)} there and "
                f"{np.dtype(dtype)}{list(variable.shape)} here."
            )
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise UserError(f"{problem}: {name} holds NaN or infinite numbers, which genctl never stores.")
    for name, variable in state.items():
        variable.assign(arrays[name])
