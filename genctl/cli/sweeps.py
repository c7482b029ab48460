"""Sweeps: what `genctl train -m` names to run, before any of it; and a place for the record that Hydra makes."""

import contextlib
import dataclasses
import functools
import itertools
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.override_parser.types import Override

from genctl.cli import composition
from genctl.cli.arguments import quoted
from genctl.cli.composition import Request
from genctl.cli.dimensions import MOST_TRIALS, dimensions
from genctl.cli.naming import name_of
from genctl.config import files
from genctl.config.better import Better
from genctl.config.signatures import check_value, shown
from genctl.errors import UserError
from genctl.sweeps.definition import Combination, Search, Sweep, Trial, default_name
from genctl.sweeps.space import Dimension, described
from genctl.sweeps.sweep_settings import Settings

BASIC = f"{BasicLauncher.__module__}.{BasicLauncher.__name__}"
OF_ONE_RUN = "is of one run: with -m, say sweep.dry_run=true, which tries some of the trials."
OWN = ("outputs", "name")  # which say where the sweep is


@contextlib.contextmanager
def prepared(request: Request) -> Iterator[list[str]]:
    """Check what Hydra is to run; within the block, it keeps its record where the overrides that are given here say.

    That is a place which is removed, since each run has a record of its own, but where Hydra's settings are given:
    sweepers keep their results there. Raises UserError for a sweep that has no job, or too many, and for a launcher
    that is not Hydra's basic one.
    """
    if composition.is_hydras(request):
        _refuse_launcher(request)
        yield []
        return
    _check_count(composition.parse(request.overrides))
    with tempfile.TemporaryDirectory() as place:
        yield [f"hydra.sweep.dir={quoted(place)}"]


def _refuse_launcher(request: Request) -> None:
    """Other launchers end their processes on Ctrl-C before these have saved, and drop what is said of failures."""
    if (name := composition.launcher(request)) not in (BASIC, "None"):
        own = " genctl's own sweep trains side by side: genctl train -m … sweep.jobs=4, without settings of Hydra."
        raise UserError(
            f"hydra.launcher={name.rpartition('.')[2]}: failed jobs and what a stop is to save would be lost, so that "
            f"genctl takes Hydra's basic launcher alone: leave it out.{own if request.verb == 'train' else ''}"
        )


def refuse_settings(request: Request) -> None:
    """Refuse settings of a sweep where none is asked for. Raises UserError."""
    for word in request.overrides:
        if word.lstrip("+~").startswith(("sweep.", "sweep=")):
            raise UserError(f"{word} is of a sweep: add -m, which trains every combination of values.")


def refuse_dry_run(request: Request) -> None:
    """Refuse a dry run of each job of a sweep, which has one of its own. Raises UserError."""
    for word in request.overrides:
        if word.lstrip("+~").startswith("dry_run="):
            raise UserError(f"{word} {OF_ONE_RUN}")


def define(request: Request, settings: Settings, flags: Sequence[str]) -> Sweep:
    """The sweep that a command line names. flags: what each trial's command line has besides.

    Raises UserError for a sweep that has no trial, or too many, and for settings that contradict each other.
    """
    request = dataclasses.replace(request, overrides=[*request.overrides, *_more(request, settings)])
    overrides = composition.parse_typed(request)
    swept = dimensions(overrides, settings)
    config, _ = composition.compose(request)
    if config["dry_run"]:
        raise UserError(f"dry_run=true, from a file of configs, {OF_ONE_RUN}")
    if clash := [one.input_line for one in overrides if one.is_sweep_override() and one.key_or_group in OWN]:
        raise UserError(f"{clash[0]} varies where the trials are, which lie together in one directory: give one value.")
    _refuse_twice(overrides)
    same = [one for one in overrides if not one.is_sweep_override() and one.key_or_group not in OWN]
    fixed: dict[str, str] = {}
    for override in same:
        before = fixed.get(override.key_or_group)
        fixed[override.key_or_group] = f"{before} {override.input_line}" if before else override.input_line or ""
    directory = _directory(config, settings, fixed, swept)

    make = functools.partial(_trials, request, [one.input_line or "" for one in same], directory, settings, flags)
    grid = itertools.product(*map(described, swept.values())) if settings["search"] == "grid" else ()
    combinations = [
        Combination(values, make(values)) for values in (dict(zip(swept, row, strict=True)) for row in grid)
    ]
    return Sweep(directory, fixed, swept, combinations, _search(settings, len(combinations)), make)


def _refuse_twice(overrides: Sequence[Override]) -> None:
    """Refuse a key that varies and is given once more, which would be one of two for the names of trials."""
    for varying in [override for override in overrides if override.is_sweep_override()]:
        others = [one for one in overrides if one is not varying and one.key_or_group == varying.key_or_group]
        if others:
            lines = " and ".join(shown(one.input_line) for one in (others[0], varying))
            raise UserError(f"{lines} both set {varying.key_or_group}: leave one out.")


def _trials(
    request: Request,
    same: Sequence[str],
    directory: Path,
    settings: Settings,
    flags: Sequence[str],
    values: Mapping[str, str],
) -> list[Trial]:
    """The run of a combination of values, or one for each fold, in the combination's directory."""
    words = [f"{key}={value}" for key, value in values.items()]
    name = name_of(words, request.overrides) or "trial"
    common = (*same, *words, f"outputs={quoted(str(directory))}")
    if settings["folds"] is None:
        return [Trial(name, (*common, f"name={quoted(name)}"), tuple(flags))]
    places = {fold: f"{name}/fold-{fold}" for fold in range(settings["folds"])}
    return [
        Trial(place, (*common, f"dataset.fold={fold}", f"name={quoted(place)}"), tuple(flags))
        for fold, place in places.items()
    ]


def _search(settings: Settings, size: int) -> Search:
    """Raises UserError for what does not go together."""
    pruner = settings["pruner"]
    metrics, better = ([one] if isinstance(one, str) else one or [] for one in (settings["metric"], settings["better"]))
    if better and len(better) != len(metrics):
        raise UserError(
            f"sweep.better names {len(better)} directions, and sweep.metric {len(metrics)} numbers: name one for each."
        )
    if len(metrics) > 1 and (pruner != "none" or settings["search"] == "cmaes"):
        other = f"sweep.pruner={pruner}" if pruner != "none" else "sweep.search=cmaes"
        raise UserError(f"{other} goes by one number, and sweep.metric names {len(metrics)}: name one of them.")
    if pruner != "none" and settings["folds"]:
        raise UserError(
            f"sweep.pruner={pruner} gives up single runs, and of sweep.folds={settings['folds']} only the mean over "
            "all counts: leave one out."
        )
    return Search(
        settings["search"], metrics, cast(list[Better], better), pruner, settings["seed"], settings["trials"] or size
    )


def _more(request: Request, settings: Settings) -> list[str]:
    """What all trials have besides. Raises UserError where that is set in another way too."""
    metric, folds = settings["metric"], settings["folds"]
    words, taken = [], dict[str, str]()
    if folds is not None:
        words.append(f"dataset.folds={folds}")
        taken |= dict.fromkeys(("dataset.folds", "dataset.fold"), f"sweep.folds={folds}")
    if isinstance(metric, str):
        words.append(f"trainer.monitor={quoted(metric)}")
        words += [f"trainer.monitor_better={settings['better']}"] if isinstance(settings["better"], str) else []
        taken["trainer.monitor"] = f"sweep.metric={metric}"
    for override in composition.parse(request.overrides):
        if other := taken.get(override.key_or_group):
            raise UserError(f"{shown(override.input_line)} and {other} both set the same: leave one out.")
    return words


def _directory(config: Any, settings: Settings, fixed: dict[str, str], swept: Mapping[str, Dimension]) -> Path:
    given = [str(name) for name in (settings["name"], config["name"]) if name is not None]
    if len(given) > 1:
        raise UserError(f"name={given[1]} and sweep.name={given[0]} both name the sweep: leave one out.")
    check_value(config["outputs"], str, "outputs")
    name = Path(given[0] if given else default_name(fixed, swept))
    files.given(str(name), "sweep.name")
    if name.is_absolute() or ".." in name.parts or name == Path():
        raise UserError(f"sweep.name={name}: a name is a path below outputs={config['outputs']}; outputs=… moves that.")
    return files.given(str(config["outputs"]), "outputs") / name


def _check_count(overrides: Sequence[Override]) -> None:
    counts = {shown(o.input_line): _count(o) for o in overrides if o.is_sweep_override()}
    for line, count in counts.items():
        if not count:
            raise UserError(f"{line} names nothing to run: give at least one value.")
    if (jobs := math.prod(counts.values())) > MOST_TRIALS:
        raise UserError(f"{' '.join(counts)} makes {jobs:,} jobs, and {MOST_TRIALS:,} are the most.")


def _count(override: Override) -> int:
    if not override.is_discrete_sweep():
        raise UserError(f"{shown(override.input_line)}: an interval has no end of values: list some.")
    return len(composition.values(override))
