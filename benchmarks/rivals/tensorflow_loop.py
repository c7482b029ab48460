"""A hand-written loop over tf.data around a compiled training step."""

import tensorflow as tf

from rivals.common import Task, timed
from rivals.keras_data import batches
from rivals.keras_models import build


def measure(task: Task) -> float:
    model = build(task)
    step = tf.function(model.update, jit_compile=task.variant == "xla")
    stream = iter(batches(task))

    def advance(steps: int) -> float:
        for _ in range(steps):
            loss = step(next(stream))
        return float(loss)

    return timed(task, advance)
