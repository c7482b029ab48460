"""Metrics of a run while it trains."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import NonNegativeInt, PositiveInt

from genctl import evaluations
from genctl.callbacks import keep
from genctl.errors import UserError
from genctl.metrics.base import Evaluation, Metric, Number, Unsuited, check_suited

if TYPE_CHECKING:
    from genctl.run import Run

log = logging.getLogger("genctl")


class Evaluate:
    """Compute the metrics beside the first `n` validation examples, from `n` samples; keep them as `evaluate` does.

    The seed is always the same, so that a run which continues finds what it would have found. Metrics that the run does
    not suit are passed over.
    """

    def __init__(
        self,
        every: NonNegativeInt,
        n: PositiveInt,
        metrics: Mapping[str, Metric],
        features: Callable[..., Any] | None,
    ) -> None:
        if every and not metrics:
            raise UserError(f"callbacks.evaluate.every={every} needs metrics: say metrics=default, or name some.")
        self.every, self.n, self.metrics, self.features = every, n, dict(metrics), features
        self.at_end = every > 0

    def __call__(self, run: "Run") -> None:
        """Measure the run as it is now."""
        if not run.validation.size:
            return
        whole = Evaluation.of(
            run.dataset, "validation", seed=0, strategy=run.strategy, count=self.n, features=self.features
        )
        evaluation = dataclasses.replace(whole, real=whole.real.first(self.n))
        numbers = [number for name in list(self.metrics) for number in self._measure(name, evaluation)]
        if not numbers:
            return
        keep(run, evaluations.BOARD, {number.metric: number.value for number in numbers})
        evaluations.write(run.directory, run.step, numbers)

    def _measure(self, name: str, evaluation: Evaluation) -> list[Number]:
        try:
            check_suited(self.metrics[name], evaluation)
            return list(self.metrics[name](evaluation))
        except Unsuited as reason:
            log.info("without %s: %s.", name, reason)
            del self.metrics[name]
            return []
