"""Sweeps: what `genctl train -m` names to run, before any of it; and a place for the record that Hydra makes."""

import contextlib
import dataclasses
import itertools
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from genctl.cli import composition
from genctl.cli.arguments import quoted
from genctl.cli.composition import Request
from genctl.cli.naming import name_of
from genctl.config import files, paths
from genctl.config.signatures import check_value, check_values, shown
from genctl.errors import UserError, did_you_mean
from genctl.sweeps.definition import Sweep, Trial, default_name
from genctl.sweeps.sweep_settings import Settings, Slurm

MOST_JOBS = 10_000
OWN = ("outputs", "name")  # which say where the sweep is


@contextlib.contextmanager
def prepared(request: Request) -> Iterator[list[str]]:
    """Check what Hydra is to run; within the block, it keeps its record where the overrides that are given here say.

    That is a place which is removed, since each run has a record of its own, but where Hydra's settings are given:
    other launchers keep their logs there. Raises UserError for a sweep that has no job, or too many.
    """
    if composition.is_hydras(request):
        yield []
        return
    _check_count(composition.parse(request.overrides), allowed=False)
    with tempfile.TemporaryDirectory() as place:
        yield [f"hydra.sweep.dir={quoted(place)}"]


def read_settings(request: Request) -> tuple[Settings, Request]:
    """The settings `sweep.*`, and the request without them. Raises UserError for one that there is not, or is wrong."""
    settings = yaml.safe_load((paths.builtin() / "sweep/default.yaml").read_text(encoding="utf-8"))
    settings |= {f"slurm.{name}": value for name, value in settings.pop("slurm").items()}
    others = []
    for override in composition.parse(request.overrides):
        section, _, name = override.key_or_group.partition(".")
        if section != "sweep":
            others.append(override.input_line or "")
        elif name not in settings:
            raise UserError(
                f"there is no setting {override.key_or_group!r}.{did_you_mean(name, settings)} Those of a sweep: "
                f"{', '.join(f'sweep.{one}' for one in settings)}."
            )
        elif override.is_sweep_override():
            raise UserError(f"{shown(override.input_line)} varies from trial to trial, and is of the whole sweep.")
        else:
            settings[name] = OmegaConf.to_container(OmegaConf.create({"value": override.value()}))["value"]  # type: ignore[call-overload,index]
    if settings["name"] is not None:
        settings["name"] = str(settings["name"])
    slurm = {name.removeprefix("slurm."): settings.pop(name) for name in [*settings] if name.startswith("slurm.")}
    check_values(Settings, settings, "sweep", is_setting=True)
    check_values(Slurm, slurm, "sweep.slurm", is_setting=True)
    return cast(Settings, settings | {"slurm": slurm}), Request(request.verb, others, request.folders)


def refuse_settings(request: Request) -> None:
    """Refuse settings of a sweep where none is asked for. Raises UserError."""
    for word in request.overrides:
        if word.lstrip("+~").startswith(("sweep.", "sweep=")):
            raise UserError(f"{word} is of a sweep: add -m, which trains every combination of values.")


def define(request: Request, settings: Settings, flags: Sequence[str]) -> Sweep:
    """The sweep that a command line names. flags: what each trial's command line has besides.

    Raises UserError for a sweep that has no trial, or too many.
    """
    request = dataclasses.replace(request, overrides=[*request.overrides, *_folds(request, settings["folds"])])
    overrides = composition.parse_typed(request)
    _check_count(overrides, settings["yes"])
    config, _ = composition.compose(request)
    varying = [override for override in overrides if override.is_sweep_override()]
    if clash := [override.input_line for override in varying if override.key_or_group in OWN]:
        raise UserError(f"{clash[0]} varies where the trials are, which lie together in one directory: give one value.")
    same = [one for one in overrides if not one.is_sweep_override() and one.key_or_group not in OWN]
    fixed: dict[str, str] = {}
    for override in same:
        before = fixed.get(override.key_or_group)
        fixed[override.key_or_group] = f"{before} {override.input_line}" if before else override.input_line or ""
    swept = {override.get_key_element(): composition.values(override) for override in varying}
    directory = _directory(config, settings, fixed, swept)
    trials = []
    for values in itertools.product(*swept.values()):
        words = [f"{key}={value}" for key, value in zip(swept, values, strict=True)]
        name = name_of(words, request.overrides) or "trial"
        place = (f"outputs={quoted(str(directory))}", f"name={quoted(name)}")
        trials.append(Trial(name, (*(one.input_line or "" for one in same), *words, *place), tuple(flags)))
    return Sweep(directory, fixed, swept, trials)


def _folds(request: Request, count: int | None) -> list[str]:
    """What makes a cross-validation of every trial. Raises UserError where that is set in another way too."""
    if count is None:
        return []
    for override in composition.parse(request.overrides):
        if override.key_or_group in ("dataset.folds", "dataset.fold"):
            raise UserError(f"{shown(override.input_line)} and sweep.folds={count} both set the folds: leave one out.")
    return [f"dataset.folds={count}", f"dataset.fold={','.join(map(str, range(count)))}"]


def _directory(config: Any, settings: Settings, fixed: dict[str, str], swept: dict[str, list[str]]) -> Path:
    given = [str(name) for name in (settings["name"], config["name"]) if name is not None]
    if len(given) > 1:
        raise UserError(f"name={given[1]} and sweep.name={given[0]} both name the sweep: leave one out.")
    check_value(config["outputs"], str, "outputs")
    name = Path(given[0] if given else default_name(fixed, swept))
    files.given(str(name), "sweep.name")
    if name.is_absolute() or ".." in name.parts or name == Path():
        raise UserError(f"sweep.name={name}: a name is a path below outputs={config['outputs']}; outputs=… moves that.")
    return files.given(str(config["outputs"]), "outputs") / name


def _check_count(overrides: Sequence[Override], allowed: bool) -> None:
    counts = {shown(o.input_line): _count(o) for o in overrides if o.is_sweep_override()}
    for line, count in counts.items():
        if not count:
            raise UserError(f"{line} names nothing to run: give at least one value.")
    if (jobs := math.prod(counts.values())) > MOST_JOBS and not allowed:
        raise UserError(
            f"{' '.join(counts)} makes {jobs:,} trials: if more than {MOST_JOBS:,} are wanted, say sweep.yes=true."
        )


def _count(override: Override) -> int:
    if not override.is_discrete_sweep():
        raise UserError(f"{shown(override.input_line)}: an interval has no end of values: list some.")
    return len(composition.values(override))
