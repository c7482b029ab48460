"""What several devices do together: each works on a part of the batch, and gradients and logs are averaged."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from genctl.errors import UserError


def count() -> int:
    """How many devices compute the present run."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def worker() -> int:
    """Which of several processes this is; 0 is the one that writes the run."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None or not resolver.task_type:
        return 0
    tasks = [
        (kind, task) for kind, tasks in sorted(resolver.cluster_spec().as_dict().items()) for task in range(len(tasks))
    ]
    return tasks.index((resolver.task_type, resolver.task_id))


def several_processes() -> bool:
    """Whether other processes compute the present run too."""
    return isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)


def agree(stop: bool, pace: float) -> tuple[bool, float]:
    """What all processes do next: stop if any of them is to, and otherwise calls at their mean pace."""
    if not several_processes():
        return stop, pace
    strategy = tf.distribute.get_strategy()
    mine = tf.constant([float(stop), pace])
    stops, paces = strategy.reduce(
        tf.distribute.ReduceOp.SUM, strategy.run(lambda: tf.identity(mine)), axis=None
    ).numpy()
    return bool(stops), float(paces) / count()


# How the loss of another process shows, by what was under way.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


@contextlib.contextmanager
def naming_lost_processes() -> Iterator[None]:
    """Within the block, the loss of another process is a UserError; TensorFlow notices it after about ten seconds."""
    try:
        yield
    except LOST as error:
        raise UserError(
            "another process of this run has ended or cannot be reached; start all of them again with the same "
            "command, and the run goes on from its newest checkpoint."
        ) from error


def make_variable(value: tf.Tensor) -> tf.Variable:
    """A variable of the engine's own; where devices hold copies, each writes the same."""
    return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)


def mean_over_devices(values: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """The mean of each tensor over the devices, on every device; gradients pass it.

    Outside of a device's part of a step, as in validation, there is one tensor of all examples: it is returned.
    """
    if count() == 1 or tf.distribute.in_cross_replica_context():
        return list(values)
    # Some gradients' tensors have no device of their own, which several processes cannot reduce: their copies do.
    present = [tf.identity(value) for value in values if value is not None]
    means = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, present))
    return [None if value is None else next(means) for value in values]


def batch_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the examples (n, ...) of the batch that all devices share, (...).

    For what an objective does with such a mean: of a function that is not linear, the mean over devices is another.
    """
    return tf.stack(mean_over_devices([tf.reduce_mean(values, axis=0)]))[0]


def divide_among_devices(values: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """What every device gives so that the sum over devices is the value that all of them have."""
    return [value if value is None or count() == 1 else value / count() for value in values]


def split_batch(values: tf.Tensor) -> tf.Tensor:
    """This device's rows of what is given for all devices; within a device's part of the step."""
    if count() == 1:
        return values
    parts = tf.reshape(values, [count(), -1, *values.shape[1:]])
    return parts[tf.distribute.get_replica_context().replica_id_in_sync_group]


def run_on_devices(step: Callable[..., Mapping[str, tf.Tensor]], *whole: Any) -> dict[str, tf.Tensor]:
    """Let every device do a step; return the means of the logs."""
    if count() == 1:
        return dict(step(*whole))

    def mine(*arguments: Any) -> dict[str, tf.Tensor]:
        logs = step(*arguments)
        return dict(zip(logs, mean_over_devices(list(logs.values())), strict=True))

    strategy = tf.distribute.get_strategy()
    return {name: strategy.experimental_local_results(mean)[0] for name, mean in strategy.run(mine, args=whole).items()}
