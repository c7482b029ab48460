"""What several devices do together: each works on a part of the batch, and gradients and logs are averaged."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf


def count() -> int:
    """How many devices compute the present run."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def own(value: tf.Tensor) -> tf.Variable:
    """A variable of the engine's own; where devices hold copies, each writes the same."""
    return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)


def mean_over_devices(values: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """The mean of each tensor over the devices, on every device; within a device's part of the step."""
    if count() == 1:
        return list(values)
    present = [value for value in values if value is not None]
    means = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, present))
    return [None if value is None else next(means) for value in values]


def shares(values: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """What every device gives so that the sum over devices is the value that all of them have."""
    return [value if value is None or count() == 1 else value / count() for value in values]


def part(values: tf.Tensor) -> tf.Tensor:
    """This device's rows of what is given for all devices; within a device's part of the step."""
    if count() == 1:
        return values
    parts = tf.reshape(values, [count(), -1, *values.shape[1:]])
    return parts[tf.distribute.get_replica_context().replica_id_in_sync_group]


def together(step: Callable[..., Mapping[str, tf.Tensor]], *whole: Any) -> dict[str, tf.Tensor]:
    """Let every device do a step; return the means of the logs."""
    if count() == 1:
        return dict(step(*whole))
    strategy = tf.distribute.get_strategy()
    logs = strategy.run(step, args=whole)
    return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in logs.items()}
