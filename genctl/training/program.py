"""The compiled program of a run: many training steps in one call."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from genctl.compute import parallel
from genctl.compute.compiled import compiled
from genctl.compute.context import StepContext
from genctl.data.batches import Data, Stored, batch
from genctl.strategies.parts.strategy import Strategy
from genctl.training.averages import Averages

Training = Callable[[Any, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def training(strategy: Strategy, data: Data, averages: Averages, context: StepContext, xla: bool) -> Training:
    """Compile a function of (the data's inputs, first step, how many, due) to (steps done, whether logs were finite).

    It stops early at a log that is not finite. due: how many steps of the run are done when callbacks look at it next.
    That is no constant of the code, so that one and the same code runs whatever the callbacks' intervals, and the bits
    do not depend on them. context: all but its step. xla: compile it so; all steps together where the data are on the
    device, else each step alone, since XLA cannot read from outside.
    """
    whole = xla and not data.outside

    def step(stored: Stored, number: tf.Tensor, observed: tf.Tensor) -> dict[str, tf.Tensor]:
        images, labels = stored
        mine = parallel.split_batch(images), parallel.split_batch(labels)
        return strategy.step(batch(mine, strategy.spec), context.at(number, observed))

    if parallel.count() == 1:  # traced once then, though the program below is traced anew once it has made the averages
        everywhere = compiled(step, jit_compile=xla or None)
    else:
        everywhere = functools.partial(parallel.run_on_devices, step)

    @compiled(jit_compile=whole or None)
    def program(inputs: Any, first: tf.Tensor, count: tf.Tensor, due: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def body(index: tf.Tensor, healthy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            number = first + tf.cast(index, tf.int64)
            logs = everywhere(data.read(inputs, index), number, number + 1 == due)
            return index + 1, averages.add(logs)

        return tf.while_loop(lambda index, healthy: (index < count) & healthy, body, (0, True), parallel_iterations=1)

    return program


def validation(
    strategy: Strategy, data: Data, context: StepContext
) -> Callable[[Stored, tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
    """Compile a function of (stored examples, place of their first, step) to the strategy's evaluation of them.

    The noise depends on the place alone; what is scheduled depends on the step.
    """
    examples = (tf.TensorSpec([None, *strategy.spec.image_shape], data.dtype), tf.TensorSpec([None], tf.int32))

    @compiled(input_signature=[examples, tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.int64)])
    def program(stored: Stored, first: tf.Tensor, step: tf.Tensor) -> dict[str, tf.Tensor]:
        now = dataclasses.replace(context, step=step, noise=context.noise.at(first))
        return strategy.evaluate(batch(stored, strategy.spec), now)

    return program
