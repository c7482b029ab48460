"""What all rivals share: their task, the data, and the clock."""

import dataclasses
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

LATENT, NOISE = 16, 64
TURNS, PENALTY = 5, 10.0
ADAM = {  # learning rate, beta_1, beta_2
    "vae": (1e-3, 0.9, 0.999),
    "gan": (2e-4, 0.5, 0.999),
    "wgan_gp": (1e-4, 0.0, 0.9),
}


@dataclasses.dataclass(frozen=True)
class Task:
    """What to measure; see works.Work and works.Rival. seconds: how long at least, after the warm-up."""

    program: str
    kind: str
    network: str
    batch_size: int
    chunk: int
    seconds: float
    variant: str
    options: dict[str, object]
    data: str


def images(task: Task) -> np.ndarray:
    """MNIST's training images as bytes (n, 28, 28, 1)."""
    with np.load(task.data) as arrays:
        return arrays["x_train"][..., None]


def low(task: Task) -> float:
    """The intensity of black: 0 for a Bernoulli likelihood, -1 beside a generator that ends in tanh."""
    return 0.0 if task.kind == "vae" else -1.0


def timed(task: Task, advance: Callable[[int], float]) -> float:
    """Images a second: `advance(steps)` trains and returns a loss that it waited for; the first chunk is warm-up."""
    check(advance(task.chunk))
    began, steps = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < task.seconds or not steps:
        check(advance(task.chunk))
        steps += task.chunk
    return steps * task.batch_size / elapsed


def check(loss: float) -> None:
    """Refuse to time nonsense."""
    if not np.isfinite(loss):
        raise ValueError(f"the loss is {loss}")


def peak_memory_mib() -> float:
    """The most host memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
