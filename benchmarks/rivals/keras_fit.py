"""Keras `fit` with a train_step of one's own."""

import time

import keras

from rivals.common import Task, check
from rivals.keras_data import batches
from rivals.keras_models import build


class Clock(keras.callbacks.Callback):
    """Times every epoch but the first, until it is enough."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.began, self.elapsed, self.epochs = seconds, 0.0, 0.0, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        check(float((logs or {})["loss"]))
        if epoch == 0:
            self.began = time.perf_counter()
            return
        self.epochs, self.elapsed = epoch, time.perf_counter() - self.began
        self.model.stop_training = self.elapsed >= self.seconds


def measure(task: Task) -> float:
    model, clock = build(task), Clock(task.seconds)
    model.compile(jit_compile=task.variant == "xla", **task.options)
    model.fit(batches(task), steps_per_epoch=task.chunk, epochs=10**6, verbose=0, callbacks=[clock])
    return clock.epochs * task.chunk * task.batch_size / clock.elapsed
