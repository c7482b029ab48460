"""What came of the trials of a sweep, in the numbers that they are compared by."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genctl.config.better import Better
from genctl.runs import records
from genctl.runs.records import Summary
from genctl.sweeps import states
from genctl.sweeps.definition import Combination, Sweep


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Of a combination of values, of which there is a run, or one for each fold.

    state: finished, pruned, failed, or running, which stands also for what has not begun. metrics: those of the sweep;
    values: of each, the mean over the folds; none before it is finished; better: which values of each are.
    """

    combination: Combination
    state: str
    values: Sequence[float] = ()
    better: Sequence[Better] = ()
    metrics: Sequence[str] = ()


def outcomes(sweep: Sweep) -> list[Outcome]:
    """What came of all combinations, in their order. Raises UserError where a file of a run is damaged."""
    return [outcome(sweep, combination) for combination in sweep.combinations]


def outcome(sweep: Sweep, combination: Combination) -> Outcome:
    """What came of one. Raises UserError where a file of a run is damaged."""
    summaries = [records.read_summary(sweep.place(trial)) for trial in combination.trials]
    found = [summary.status if summary else "" for summary in summaries]
    if any(states.failure(sweep, trial) for trial in combination.trials):
        return Outcome(combination, states.FAILED)
    if states.PRUNED in found:
        return Outcome(combination, states.PRUNED)
    if set(found) != {states.FINISHED}:
        return Outcome(combination, states.RUNNING)
    done = [summary for summary in summaries if summary]
    rows = [_numbers(summary, sweep.search.metrics) for summary in done]
    if not all(rows):
        return Outcome(combination, states.FINISHED)
    monitored = done[0].best or {}
    better = sweep.search.better or [monitored.get("better", "lower")]
    metrics = sweep.search.metrics or [monitored["metric"]]
    return Outcome(combination, states.FINISHED, np.mean(rows, axis=0).tolist(), better, metrics)


def _numbers(summary: Summary, metrics: Sequence[str]) -> list[float]:
    """The best value of what the run is monitored by; of several metrics, their newest values."""
    if len(metrics) < 2:
        return [float(summary.best["value"])] if summary.best else []
    measured = {f"{split}/{name}": value for split, row in summary.metrics.items() for name, value in row.items()}
    found = [measured.get(named(metric, measured)) for metric in metrics]
    return [] if None in found else [float(value) for value in found if value is not None]


def named(metric: str, names: Any) -> str:
    """The name in use of a metric, which may have a feature network's name behind its own."""
    return next((name for name in names if f"{name}/".startswith(f"{metric}/")), metric)


@dataclasses.dataclass(frozen=True)
class Curve:
    """state: of a trial; values: what it measured of a metric, by step."""

    state: str
    values: Mapping[int, float]


def curve(place: Path, state: str, metric: str, phase: str) -> Curve:
    """What a run measured of a metric, such as validation/loss, in a phase."""
    split, _, name = metric.partition("/")
    values: dict[int, float] = {}
    path = place / "metrics.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            row: Mapping[str, Any] = json.loads(line)
            if (row["split"], row["phase"]) == (split, phase) and (key := named(name, row)) in row:
                values[int(row["step"])] = float(row[key])
        except (ValueError, KeyError, TypeError):
            continue  # it is being written
    return Curve(state, values)
