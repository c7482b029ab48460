"""What varies in a sweep: values that are listed, or an interval that a search chooses from."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 4  # of a number that a search chooses: more would make no difference, and names long


@dataclasses.dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included. whole: integers alone. log: chosen by their logarithm."""

    low: float
    high: float
    whole: bool = False
    log: bool = False

    def word(self, value: float) -> str:
        """A number as one would type it, rounded, and not beyond the ends."""
        if self.whole:
            return str(int(value))
        return f"{min(max(float(f'{value:.{DIGITS}g}'), self.low), self.high):.15g}"

    def __str__(self) -> str:
        text = f"interval({self.low:.15g}, {self.high:.15g})"
        text = f"tag(log, {text})" if self.log else text
        return f"int({text})" if self.whole else text


Dimension = Interval | Sequence[str]  # the latter: values as one would type them


def described(dimension: Dimension) -> list[str]:
    """The values of a dimension, or its interval, as one would type them."""
    return [str(dimension)] if isinstance(dimension, Interval) else list(dimension)


def ends(dimension: Dimension) -> list[str]:
    """All values that are listed, or the ends of an interval."""
    if isinstance(dimension, Interval):
        return [dimension.word(value) for value in (dimension.low, dimension.high)]
    return list(dimension)


def distribution(dimension: Dimension) -> "BaseDistribution":
    """The same as Optuna names it."""
    from optuna import distributions

    if not isinstance(dimension, Interval):
        return distributions.CategoricalDistribution(list(dimension))
    if dimension.whole:
        return distributions.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def word(dimension: Dimension, value: float | str) -> str:
    """A value of a dimension as one would type it."""
    return dimension.word(float(value)) if isinstance(dimension, Interval) else str(value)


def value(dimension: Dimension, text: str) -> float | int | str:
    """What `word` wrote, as Optuna has it."""
    if not isinstance(dimension, Interval):
        return text
    return int(text) if dimension.whole else float(text)
