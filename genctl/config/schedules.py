"""Numbers that change while a model trains: functions of the moment, which is a step and the span that it lies in.

A schedule goes from its `start` at the first step of what trains, the whole run or one phase of a model that has
phases, to its `end` at the last step, or in so many `steps` where these are given; then it stays there. With
`warmup_steps`, the value first rises in proportion from 0 to `start`, and the way to `end` begins behind these. Every
schedule returns a float32 scalar tensor, in compiled code too. What is scheduled are weights and rates, so no value is
negative.

TensorFlow is imported inside the functions, so that a mistake in a config is reported before it starts.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Protocol, get_args

import pydantic
from pydantic import Field

from genctl.config.intervals import Amount, PositiveAmount, PositiveSteps, Steps
from genctl.errors import UserError


class Moment(Protocol):
    """A moment of training, such as a StepContext: what a schedule is a function of."""

    @property
    def step(self) -> Any:
        """Steps of the run that are done: an int64 scalar tensor or an int."""

    @property
    def phase(self) -> str:
        """The phase of the model that this step belongs to."""

    @property
    def span(self) -> tuple[int, int]:
        """The first step of the run or phase that schedules go through, and the first one behind it."""


Schedule = Callable[[Moment], Any]
MOST_MAGNITUDES = 30  # between the ends of an exponential schedule
CYCLES = 4  # of what trains, as Fu et al. 2019 have it in section 4.1
EXAMPLE = "{linear: {start: 0, end: 1}}"


def constant(value: Amount, warmup_steps: Steps = 0) -> Schedule:
    """`value` at every step."""
    return _along(lambda share: value, None, warmup_steps)


def linear(start: Amount, end: Amount, steps: PositiveSteps | None = None, warmup_steps: Steps = 0) -> Schedule:
    """From `start` to `end` in a straight line."""
    return _along(lambda share: start + (end - start) * share, steps, warmup_steps)


def cosine(start: Amount, end: Amount, steps: PositiveSteps | None = None, warmup_steps: Steps = 0) -> Schedule:
    """From `start` to `end` along half a cosine (Loshchilov and Hutter 2017, equation 5, one cycle)."""

    def curve(share: Any) -> Any:
        import tensorflow as tf

        return end + (start - end) * (1 + tf.cos(math.pi * share)) / 2

    return _along(curve, steps, warmup_steps)


def exponential(
    start: PositiveAmount, end: PositiveAmount, steps: PositiveSteps | None = None, warmup_steps: Steps = 0
) -> Schedule:
    """From `start` to `end` by the same factor at each step. Raises UserError for ends too far from each other."""
    if abs(math.log10(end) - math.log10(start)) > MOST_MAGNITUDES:
        raise UserError(
            f"an exponential schedule from {start} to {end} goes through more than {MOST_MAGNITUDES} powers of ten, "
            "which float32 does not hold: choose a start and an end that are nearer to each other."
        )
    return _along(lambda share: start * (end / start) ** share, steps, warmup_steps)


def cyclic(
    start: Amount,
    end: Amount,
    steps: PositiveSteps | None = None,
    rise: Annotated[float, Field(gt=0, le=1)] = 0.5,
) -> Schedule:
    """Again and again: from `start` to `end` in a straight line, then `end` (Fu et al. 2019, equation 6, for beta).

    steps: the length of a cycle; None: a quarter of what trains. rise: the part of a cycle that the line takes, their
    R.
    """

    def value(moment: Moment) -> Any:
        import tensorflow as tf

        first, end_of_span = moment.span
        cycle = steps or max(1, (end_of_span - first) // CYCLES)
        share = _share((moment.step - first) % cycle, max(1, round(rise * cycle)))
        return tf.convert_to_tensor(start + (end - start) * share, tf.float32)

    return value


def at(value: float | Schedule, moment: Moment) -> Any:
    """The value of a number or of a schedule at a moment."""
    return value(moment) if callable(value) else value


def in_phase(phase: str, inside: float | Schedule, outside: float | Schedule) -> Schedule:
    """`inside` in a phase of this name, and `outside` in the others, each in its span."""
    return lambda moment: at(inside if moment.phase == phase else outside, moment)


def scheduled(moment: Moment, **values: float | Schedule) -> dict[str, Any]:
    """The present values, by name, of those that change with time: what a strategy adds to its logs."""
    return {name: value(moment) for name, value in values.items() if callable(value)}


def stated(settings: Mapping[str, Any]) -> Iterator[tuple[str, Schedule]]:
    """Yield key and schedule wherever a config has one in its short form."""
    for key, kind, arguments in _short_forms(settings):
        yield key, SCHEDULES[kind](**arguments)


def unbounded(settings: Mapping[str, Any]) -> Iterator[tuple[str, Schedule]]:
    """Yield those that go through all that trains."""
    for key, kind, arguments in _short_forms(settings):
        if kind != "constant" and "steps" not in arguments:
            yield key, SCHEDULES[kind](**arguments)


def _short_forms(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield key, kind and arguments of every schedule in a config."""
    for name, value in settings.items():
        if not isinstance(value, Mapping):
            continue
        kind: Any = next(iter(value), None)
        if kind in SCHEDULES and len(value) == 1:
            yield f"{prefix}{name}", kind, value[kind]
        else:
            yield from _short_forms(value, f"{prefix}{name}.")


def takes_schedule(annotation: Any) -> bool:
    """Whether an argument of this annotation may be a schedule."""
    return any(part == Schedule or takes_schedule(part) for part in get_args(annotation))


def _along(curve: Callable[[Any], Any], steps: int | None, warmup_steps: int) -> Schedule:
    """What a curve over [0, 1] gives on the way through the span, or through `steps` of it, behind the warm-up."""

    def value(moment: Moment) -> Any:
        import tensorflow as tf

        first, end = moment.span
        step = moment.step - first
        rise = _share(step, warmup_steps) if warmup_steps else 1.0
        share = _share(step - warmup_steps, steps or max(1, end - first - warmup_steps))
        return tf.convert_to_tensor(rise * curve(share), tf.float32)

    return value


def _share(step: Any, steps: int) -> Any:
    """The part of `steps` that is over: float32 in [0, 1]."""
    import tensorflow as tf

    return tf.cast(tf.clip_by_value(tf.cast(step, tf.int64), 0, steps), tf.float32) / steps


def _or_schedule(number: Any) -> pydantic.PlainValidator:
    """Check the numbers of a config; its schedules were checked where they were made (see shorthand.py)."""
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
SCHEDULES: dict[str, Callable[..., Schedule]] = {
    schedule.__name__: schedule for schedule in (constant, linear, cosine, exponential, cyclic)
}
