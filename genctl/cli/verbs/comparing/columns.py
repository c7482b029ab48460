"""The table of a comparison: rows of runs that repeat one experiment, columns of one metric by one protocol."""

import dataclasses
import json
import math
import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from genctl.cli.verbs.comparing.run_record import REPEATS, RunRecord
from genctl.config.better import Better
from genctl.errors import UserError, did_you_mean
from genctl.metrics.evaluation import Number


@dataclasses.dataclass(frozen=True)
class Column:
    """name: of the metric, with a letter where it is there by several protocols."""

    name: str
    metric: str
    unit: str
    protocol: Mapping[str, Any]
    better: Better | None


@dataclasses.dataclass(frozen=True)
class Cell:
    """The mean over runs, and their standard deviation where there are several; else the number's standard error."""

    mean: float
    spread: float | None
    count: int


@dataclasses.dataclass(frozen=True)
class Row:
    """Runs that differ in seed or fold alone. settings: those in which rows differ; cells: by the column's name."""

    runs: Sequence[RunRecord]
    settings: Mapping[str, Any]
    cells: Mapping[str, Cell]

    @property
    def name(self) -> str:
        """The run's directory, or the first's with how many more there are."""
        more = f" (+{len(self.runs) - 1})" if len(self.runs) > 1 else ""
        return f"{self.runs[0].directory}{more}"

    @property
    def repeats(self) -> str:
        """Which seeds and folds."""
        values = {key: [run.settings.get(key) for run in self.runs] for key in REPEATS}
        return ", ".join(
            f"{key} {' '.join(map(str, ones))}" for key, ones in values.items() if len({*map(str, ones)}) > 1
        )

    @property
    def status(self) -> str:
        """How the runs ended."""
        return ", ".join(dict.fromkeys(run.status for run in self.runs))

    @property
    def parameters(self) -> int | None:
        """Weights of one run's networks."""
        return self.runs[0].parameters

    @property
    def images_per_second(self) -> float | None:
        """The mean speed of training."""
        speeds = [run.summary.images_per_second for run in self.runs if run.summary and run.summary.images_per_second]
        return float(np.mean(speeds)) if speeds else None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Columns in the order of their first appearance, and rows, the best first."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    sorted_by: str | None


def comparison(runs: Sequence[RunRecord], by: str | None) -> Comparison:
    """Put runs side by side. Raises UserError where there is no metric `by`."""
    groups: dict[tuple[str, ...], list[RunRecord]] = {}
    for run in runs:
        groups.setdefault(run.identity, []).append(run)
    columns = list(_columns(runs).values())
    keys = {_key(column.metric, column.protocol): column.name for column in columns}
    differing = _differing([members[0] for members in groups.values()])
    rows = [
        Row(members, settings, _cells(members, keys))
        for members, settings in zip(groups.values(), differing, strict=True)
    ]
    chosen = _chosen(columns, rows, by)
    if chosen:
        rows.sort(key=lambda row: _rank(row, chosen))
    return Comparison(columns, rows, chosen.name if chosen else None)


def _rank(row: Row, by: Column) -> tuple[bool, float]:
    """Runs that were given up or failed stand behind all others, whatever they had reached."""
    ended_early = any(run.status in ("pruned", "failed") for run in row.runs)
    sign = -1 if by.better == "higher" else 1
    return ended_early, sign * row.cells[by.name].mean if by.name in row.cells else math.inf


def _key(metric: str, protocol: Mapping[str, Any]) -> str:
    return json.dumps([metric, dict(protocol)], sort_keys=True)


def _columns(runs: Sequence[RunRecord]) -> dict[str, Column]:
    """One column for each metric and protocol, those of evaluations first."""
    numbers = sorted((n for run in runs for n in run.numbers), key=lambda n: n.metric.startswith("validation/"))
    first: dict[str, Number] = {}
    for number in numbers:
        first.setdefault(_key(number.metric, number.protocol), number)
    protocols: dict[str, list[str]] = {}
    for key, number in first.items():
        protocols.setdefault(number.metric, []).append(key)
    by_key = {}
    for key, number in first.items():
        alike = protocols[number.metric]
        letter = f" [{_letters(alike.index(key))}]" if len(alike) > 1 else ""
        by_key[key] = Column(f"{number.metric}{letter}", number.metric, number.unit, number.protocol, number.better)
    return by_key


def _letters(place: int) -> str:
    """a to z, then aa, ab, …"""
    before = _letters(place // 26 - 1) if place >= 26 else ""
    return before + string.ascii_lowercase[place % 26]


def _cells(runs: Sequence[RunRecord], names: Mapping[str, str]) -> dict[str, Cell]:
    """Means over runs, with their standard deviation; of one run alone, the number's own error."""
    numbers = [
        (names[_key(number.metric, number.protocol)], number.value, number.error)
        for run in runs
        for number in run.numbers
    ]
    frame = pd.DataFrame(numbers, columns=["name", "value", "error"])
    statistics = frame.groupby("name", sort=False).agg({"value": ["mean", "std", "count"], "error": "first"})
    cells = {}
    for name, mean, deviation, count, error in statistics.itertuples():
        spread = deviation if count > 1 else error
        cells[str(name)] = Cell(mean, None if pd.isna(spread) else float(spread), count)
    return cells


def _differing(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """The choices and settings of each run in which the runs differ.

    What lies below a group of which they chose different options is told by the choice, where it is that option's own.
    """
    groups = [
        group
        for group in {g: None for run in runs for g in run.choices}
        if _vary([run.choices.get(group) for run in runs])
    ]
    keys = dict.fromkeys(
        key for run in runs for key in run.settings if key not in REPEATS and not key.endswith("_target_")
    )
    differing: list[dict[str, Any]] = [
        {group: run.choices[group] for group in groups if group in run.choices} for run in runs
    ]
    for key in keys:
        group = next((group for group in groups if key.split(".")[0] == group), None)
        peers: dict[Any, list[Any]] = {}
        for run in runs:
            peers.setdefault(run.choices.get(group) if group else None, []).append(run.settings.get(key))
        for run, settings in zip(runs, differing, strict=True):
            if key in run.settings and _vary(peers[run.choices.get(group) if group else None]):
                settings[key] = run.settings[key]
    return differing


def _vary(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def _chosen(columns: Sequence[Column], rows: Sequence[Row], by: str | None) -> Column | None:
    """The column to sort by: of several protocols of that metric, the one that most rows have."""
    if by is None:
        alike = [column for column in columns if column.better]
    else:
        alike = [column for column in columns if by in (column.name, column.metric, column.metric.split("/")[0])]
        if not alike:
            names = list(dict.fromkeys(column.metric for column in columns))
            there = f" Metrics: {', '.join(names)}." if names else " These runs have no metrics yet."
            raise UserError(f"by={by}: there is no such metric in these runs.{did_you_mean(by, names)}{there}")
    return max(alike, key=lambda column: (sum(column.name in row.cells for row in rows), _weighs(column)), default=None)


def _weighs(column: Column) -> bool:
    """Whether the number weighs all that the model is for: of a bound of likelihood, distortion is a part."""
    return not column.metric.endswith("distortion")
