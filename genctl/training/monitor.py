"""Which measurement of a run is its best so far, how many came since, and whether that is reason to end."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genctl.errors import UserError, did_you_mean
from genctl.training.better import LOGS, NUMBERS, Better

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import Strategy
    from genctl.training.trainer import Trainer

VALIDATION, EVALUATION = "validation", "evaluation"  # what callbacks measure


@dataclasses.dataclass
class Monitor:
    """The metric that marks the best checkpoint, and what was seen of it.

    split, name: of the metric; no name where the run has none. patience: measurements in a row without a better value
    after which the run ends; None: never. best: step, metric and value; waited: measurements since.
    """

    split: str
    name: str | None
    better: Better
    patience: int | None
    best: dict[str, Any] | None = None
    waited: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether the run ends for want of a better value."""
        return self.patience is not None and self.waited >= self.patience

    def see(self, step: int, split: str, values: Mapping[str, float], counts: bool) -> None:
        """Take note of what was measured after `step`; a number may have a feature network's name behind its own.

        counts: it is one of the measurements to wait for, which that at the end of a process is not.
        """
        name = next((one for one in values if self.name and f"{one}/".startswith(f"{self.name}/")), None)
        if split != self.split or name is None:
            return
        sign = 1 if self.better == "lower" else -1
        if sign * values[name] < (sign * self.best["value"] if self.best else math.inf):
            self.best = {"step": step, "metric": f"{split}/{name}", "value": values[name]}
            self.waited = 0 if counts else self.waited
        elif counts:
            self.waited += 1


def monitor(trainer: "Trainer", strategy: "Strategy", callbacks: Sequence[Any]) -> Monitor:
    """The monitor that the config asks for, or else the strategy's own. Raises UserError for one that cannot work."""
    if trainer.monitor is None:
        if trainer.patience is not None and strategy.monitor is None:
            raise UserError(
                f"trainer.patience={trainer.patience} needs a metric to go by, and {type(strategy).__name__} has none "
                f"of its own: set trainer.monitor, such as trainer.monitor={EVALUATION}/frechet_distance."
            )
        found = Monitor(VALIDATION, strategy.monitor, "lower", trainer.patience)
    else:
        split, _, name = trainer.monitor.partition("/")
        known = {f"{VALIDATION}/{log}": direction for log, direction in _logs(strategy).items()}
        known |= {f"{EVALUATION}/{number}": direction for number, direction in _numbers(strategy, callbacks).items()}
        if trainer.monitor not in known:
            raise UserError(
                f"trainer.monitor={trainer.monitor} is nothing that tells how good this run is."
                f"{did_you_mean(trainer.monitor, known)} Choose one of {', '.join(known)}."
            )
        found = Monitor(split, name, known[trainer.monitor], trainer.patience)
    if (trainer.monitor or trainer.patience) and not any(
        getattr(callback, "every_steps", 0) for callback in callbacks if measures(callback, found.split)
    ):
        turn = {VALIDATION: "validate", EVALUATION: "evaluate"}[found.split]
        raise UserError(
            f"{found.split}/{found.name} is never measured: set callbacks.{turn}.every_steps to some steps."
        )
    return found


def measures(callback: Any, split: str) -> bool:
    """Whether the callback writes numbers of that kind."""
    return getattr(callback, "measures", None) == split


def _logs(strategy: "Strategy") -> dict[str, Better]:
    """What the strategy says of validation batches that has a direction; found by tracing, without computing."""
    import tensorflow as tf

    from genctl.compute.compiled import compiled
    from genctl.compute.context import Noise, StepContext

    spec, phase = strategy.spec, list(strategy.phases)[-1]
    context = StepContext(0, phase, Noise(0))
    batch = {"image": tf.TensorSpec([None, *spec.image_shape]), "label": tf.TensorSpec([None, spec.label_dim])}
    traced = compiled(lambda given: strategy.evaluate(given, context)).get_concrete_function(batch)
    return {name: LOGS[name] for name in traced.structured_outputs if name in LOGS}


def _numbers(strategy: "Strategy", callbacks: Sequence[Any]) -> dict[str, Better]:
    """What the metrics give that can be had of the strategy."""
    turns: list[Any] = [callback for callback in callbacks if measures(callback, EVALUATION)]
    metrics = [metric for turn in turns for metric in turn.metrics.values()]
    able = [type(metric).__name__ for metric in metrics if metric.needs is None or strategy.can(metric.needs)]
    return {name: direction for metric in able for name, direction in NUMBERS.get(metric, {}).items()}
