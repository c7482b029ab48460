"""Numbers that change with time: functions of the run's step, which is the only clock.

A schedule takes a step (an int64 scalar tensor or an int, counted from 0) and returns a float32 scalar tensor, in
compiled code too. What is scheduled are weights and rates, so no value is negative. With `warmup`, the value first
rises in proportion from 0 to `start` over so many steps; `steps` counts from there. Then a schedule stays at `end`.

TensorFlow is imported inside the functions, so that a mistake in a config is reported before it starts.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, get_args

import pydantic
from pydantic import Field

from genctl.errors import UserError
from genctl.ranges import Amount, PositiveAmount, PositiveSteps, Steps

Schedule = Callable[[Any], Any]
MOST_MAGNITUDES = 30  # between the ends of an exponential schedule
EXAMPLE = "{linear: {start: 0, end: 1, steps: 2000}}"


def constant(value: Amount, warmup: Steps = 0) -> Schedule:
    """`value` at every step."""
    return _warmed(lambda step: value, warmup)


def linear(start: Amount, end: Amount, steps: PositiveSteps, warmup: Steps = 0) -> Schedule:
    """From `start` to `end` in a straight line of `steps`."""
    return _warmed(lambda step: start + (end - start) * _share(step, steps), warmup)


def cosine(start: Amount, end: Amount, steps: PositiveSteps, warmup: Steps = 0) -> Schedule:
    """From `start` to `end` along half a cosine of `steps` (Loshchilov and Hutter 2017, equation 5, one cycle)."""

    def value(step: Any) -> Any:
        import tensorflow as tf

        return end + (start - end) * (1 + tf.cos(math.pi * _share(step, steps))) / 2

    return _warmed(value, warmup)


def exponential(start: PositiveAmount, end: PositiveAmount, steps: PositiveSteps, warmup: Steps = 0) -> Schedule:
    """From `start` to `end` in `steps`, by the same factor at each."""
    if abs(math.log10(end) - math.log10(start)) > MOST_MAGNITUDES:
        raise UserError(
            f"an exponential schedule from {start} to {end} goes through more than {MOST_MAGNITUDES} powers of ten, "
            "which float32 does not hold: choose a start and an end that are nearer to each other."
        )
    return _warmed(lambda step: start * (end / start) ** _share(step, steps), warmup)


def cyclic(
    start: Amount,
    end: Amount,
    steps: PositiveSteps,
    rise: Annotated[float, Field(gt=0, le=1)] = 0.5,
) -> Schedule:
    """Again and again: from `start` to `end` in a straight line, then `end` (Fu et al. 2019, equation 6, for beta).

    steps: the length of a cycle. rise: the part of a cycle that the line takes, their R.
    """
    line = linear(start, end, max(1, round(rise * steps)))
    return lambda step: line(step % steps)


def at(value: float | Schedule, step: Any) -> Any:
    """The value of a number or of a schedule at a step."""
    return value(step) if callable(value) else value


def switched(first: float | Schedule, second: float | Schedule, step: int) -> Schedule:
    """`first` before a step of the run, `second` from then on."""

    def value(now: Any) -> Any:
        import tensorflow as tf

        return tf.where(now < step, tf.cast(at(first, now), tf.float32), tf.cast(at(second, now), tf.float32))

    return value


def scheduled(step: Any, **values: float | Schedule) -> dict[str, Any]:
    """The present values, by name, of those that change with time: what a strategy adds to its logs."""
    return {name: value(step) for name, value in values.items() if callable(value)}


def takes_schedule(annotation: Any) -> bool:
    """Whether an argument of this annotation may be a schedule."""
    return any(part == Schedule or takes_schedule(part) for part in get_args(annotation))


def _warmed(value: Schedule, warmup: int) -> Schedule:
    def warmed(step: Any) -> Any:
        import tensorflow as tf

        rise = _share(step, warmup) if warmup else 1.0
        return tf.convert_to_tensor(rise * value(step - warmup), tf.float32)

    return warmed


def _share(step: Any, steps: int) -> Any:
    """The part of `steps` that is over: float32 in [0, 1]."""
    import tensorflow as tf

    return tf.cast(tf.clip_by_value(tf.cast(step, tf.int64), 0, steps), tf.float32) / steps


def _or_schedule(number: Any) -> pydantic.PlainValidator:
    """Check the numbers of a config; its schedules were checked where they were made (see shortforms.py)."""
    adapter = pydantic.TypeAdapter(number)

    def check(value: Any) -> Any:
        if callable(value):
            return value
        try:
            return adapter.validate_python(value, strict=True)
        except pydantic.ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Input ").removeprefix("Value error, ")
            raise ValueError(f"{reason}, or be a schedule such as {EXAMPLE}") from None

    return pydantic.PlainValidator(check)


NonNegativeScheduled = Annotated[float | Schedule, _or_schedule(Amount)]
PositiveScheduled = Annotated[float | Schedule, _or_schedule(PositiveAmount)]
SCHEDULES = {schedule.__name__: schedule for schedule in (constant, linear, cosine, exponential, cyclic)}
