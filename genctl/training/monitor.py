"""Which measurement of a run is its best so far, how many came since, and whether that is reason to end."""

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genctl.config.better import Better
from genctl.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import Strategy
    from genctl.training.trainer import Trainer

log = logging.getLogger("genctl")
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
        if split != self.split or self.name is None:
            return
        name = next((one for one in values if f"{one}/".startswith(f"{self.name}/")), None)
        if name is None:
            log.warning(
                "trainer.monitor=%s/%s was not measured at step %d, but %s.", split, self.name, step, ", ".join(values)
            )
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
        better = trainer.monitor_better or strategy.better.get(str(strategy.monitor), "lower")
        watch = Monitor(VALIDATION, strategy.monitor, better, trainer.patience)
    else:
        split, _, name = trainer.monitor.partition("/")
        watch = Monitor(split, name, _direction(trainer, strategy, callbacks), trainer.patience)
    if (trainer.monitor or trainer.patience) and not any(
        getattr(callback, "every_steps", 0) for callback in callbacks if measures(callback, watch.split)
    ):
        turn = {VALIDATION: "validate", EVALUATION: "evaluate"}[watch.split]
        raise UserError(
            f"{watch.split}/{watch.name} is never measured: set callbacks.{turn}.every_steps to some steps."
        )
    return watch


def _direction(trainer: "Trainer", strategy: "Strategy", callbacks: Sequence[Any]) -> Better:
    """Which values of trainer.monitor are the better ones. Raises UserError where the run has no such number."""
    asked = str(trainer.monitor)
    known: dict[str, Better | None] = {f"{VALIDATION}/{log}": strategy.better.get(log) for log in _logs(strategy)}
    metrics = _able_metrics(strategy, callbacks)
    for metric in metrics:
        known |= {f"{EVALUATION}/{number}": better for number, better in getattr(metric, "better", {}).items()}
    name = next((one for one in known if f"{asked}/".startswith(f"{one}/")), None)
    further = asked.startswith(f"{EVALUATION}/") and any(metrics)  # a metric need not say what all its numbers are
    if name is None and not (further and trainer.monitor_better):
        more = "; or, for another number of a metric, say trainer.monitor_better too" if further else ""
        raise UserError(
            f"trainer.monitor={asked} is nothing that this run is known to measure.{did_you_mean(asked, known)} Choose "
            f"one of {', '.join(known)}{more}."
        )
    better = trainer.monitor_better or known[str(name)]
    if better is None:
        raise UserError(
            f"trainer.monitor={asked}: whether lower or higher values are the better ones is not known: say "
            "trainer.monitor_better=lower or trainer.monitor_better=higher."
        )
    return better


def measures(callback: Any, split: str) -> bool:
    """Whether the callback writes numbers of that kind."""
    return getattr(callback, "measures", None) == split


def _logs(strategy: "Strategy") -> list[str]:
    """What the strategy says of validation batches; found by tracing, without computing."""
    import tensorflow as tf

    from genctl.compute.compiled import compiled
    from genctl.compute.context import Noise, StepContext

    spec, phase = strategy.spec, list(strategy.phases)[-1]
    context = StepContext(0, phase, Noise(0))
    batch = {"image": tf.TensorSpec([None, *spec.image_shape]), "label": tf.TensorSpec([None, spec.label_dim])}
    traced = compiled(lambda given: strategy.evaluate(given, context)).get_concrete_function(batch)
    return list(traced.structured_outputs)


def _able_metrics(strategy: "Strategy", callbacks: Sequence[Any]) -> list[Any]:
    """The metrics that can be had of the strategy."""
    turns: list[Any] = [callback for callback in callbacks if measures(callback, EVALUATION)]
    metrics = [metric for turn in turns for metric in turn.metrics.values()]
    return [metric for metric in metrics if metric.needs is None or strategy.can(metric.needs)]
