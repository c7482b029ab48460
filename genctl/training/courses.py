"""The course of what is scheduled over a run, as numbers and as a picture of block characters."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from genctl.config.schedules import Schedule, at, stated
from genctl.runs.build import Config

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import Strategy

POINTS = 20  # of a picture, a column each
BLOCKS = "▁▂▃▄▅▆▇█"


def course(value: float | Schedule, strategy: "Strategy", total: int, first: int, end: int) -> str:
    """The values of a number or a schedule from step `first` to `end` in a run of `total` steps: "█▇▅▃▁ 0.001 to 0"."""
    from genctl.compute.context import Noise, StepContext  # it brings TensorFlow

    values = []
    for point in range(POINTS):
        step = first + round(point * (end - 1 - first) / (POINTS - 1))
        phase = strategy.phase(step)
        values.append(float(at(value, StepContext(step, phase, Noise(0), strategy.span(phase, total)))))
    if max(values) == min(values):
        return f"{values[0]:.3g}"
    highest = "" if max(values) in (values[0], values[-1]) else f", at most {max(values):.3g}"
    return f"{picture(values)} {values[0]:.3g} to {values[-1]:.3g}{highest}"


def picture(values: Sequence[float]) -> str:
    """A column for each value, from 0 to the highest."""
    top = max(values)
    return "".join(BLOCKS[round(value / top * (len(BLOCKS) - 1))] for value in values)


def weights(config: Config, strategy: "Strategy", total: int) -> Iterator[str]:
    """Say the course of each schedule of the model, but for learning rates, which are the players'."""
    for key, schedule in stated({"model": config["model"]}):
        if not key.endswith("learning_rate"):
            yield f"{key}: {course(schedule, strategy, total, 0, total)}"
