"""Metrics of a run while it trains."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import NonNegativeInt

from genctl.config.signatures import Count
from genctl.errors import Unsuited, UserError
from genctl.metrics import results
from genctl.metrics.evaluation import Evaluation, Metric, Number, check_suited, measured
from genctl.training.callbacks import keep

if TYPE_CHECKING:
    from genctl.training.run import Run

log = logging.getLogger("genctl")


class Evaluate:
    """Compute the metrics beside the first `n` validation examples, from `n` samples; keep them as `evaluate` does.

    The seed is always the same, so that a run which continues finds what it would have found. Metrics that the run does
    not suit are passed over, which is told once. No other fault of a metric, or of the place where results are kept,
    ends the training: it is told in a warning each time, since the next evaluation may be whole again.
    """

    measures = results.BOARD

    def __init__(
        self,
        every_steps: NonNegativeInt,
        n: Count,
        metrics: Mapping[str, Metric],
        features: Callable[..., Any] | None,
    ) -> None:
        if every_steps and not metrics:
            raise UserError(
                f"callbacks.evaluate.every_steps={every_steps} needs metrics: say metrics=default, or name some."
            )
        if features and not every_steps:
            log.warning(
                "features=… is for evaluations while a run trains: set callbacks.evaluate.every_steps, or leave it out."
            )
        self.every_steps, self.n, self.metrics, self.features = every_steps, n, dict(metrics), features
        self.at_end = every_steps > 0
        self._told: set[str] = set()

    def __call__(self, run: "Run") -> None:
        """Measure the run as it is now."""
        if not run.validation.size:
            return
        whole = Evaluation.of(
            run.dataset, "validation", seed=0, strategy=run.strategy, count=self.n, features=self.features
        )
        numbers = self._measure(dataclasses.replace(whole, real=whole.real.first(self.n)), run.step)
        if not numbers:
            return
        keep(run, results.BOARD, {number.metric: number.value for number in numbers})
        try:
            results.write(run.directory, run.step, numbers)
        except UserError as fault:
            log.warning("the evaluation of step %d is in metrics.jsonl alone: %s", run.step, fault)

    def _measure(self, evaluation: Evaluation, step: int) -> list[Number]:
        numbers: list[Number] = []
        faults: dict[str, list[str]] = {}  # the metrics without a number, by what the matter is
        for name, metric in self.metrics.items():
            try:
                check_suited(metric, evaluation)
                numbers += measured(metric, evaluation)
            except Unsuited as reason:
                self._tell_once(f"without {name}: {reason}.")
            except UserError as fault:
                faults.setdefault(str(fault), []).append(name)
        for text, names in faults.items():
            log.warning("step %d is evaluated without %s: %s", step, ", ".join(names), text)
        return numbers

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            log.info("%s", line)
