"""Runs as they lie on the disk: what each says of itself, without TensorFlow."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genctl import evaluations, rundir
from genctl.errors import UserError, did_you_mean
from genctl.metrics.base import Number

SIZES = ("_target_", "latent_dim", "noise_dim", "phases", "average_halflife", "adversarial_learning_rate")
REPEATS = ("seed", "dataset.fold")  # settings in which repetitions of one experiment differ
ASIDE = (*rundir.NOT_COMPARED, "callbacks", "metrics", "features")  # they say what is kept and measured


@dataclasses.dataclass(frozen=True)
class Found:
    """One run. settings: its config by dotted keys; choices: of config groups; numbers: the newest of each protocol."""

    directory: Path
    settings: Mapping[str, Any]
    choices: Mapping[str, str]
    summary: Mapping[str, Any]
    numbers: Sequence[Number]

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal for repetitions of one experiment."""
        return tuple(f"{key}={value}" for key, value in sorted(self.settings.items()) if key not in REPEATS)

    @property
    def status(self) -> str:
        """How the run ended."""
        return str(self.summary.get("status", "no end yet"))

    @property
    def parameters(self) -> int | None:
        """The weights of all networks."""
        return sum(counts.values()) if (counts := self.summary.get("parameters")) else None


def runs(places: Sequence[str]) -> list[Found]:
    """Every run at or below these places, each once. Raises UserError for a place that holds none."""
    if not places:
        raise UserError("genctl compare needs directories of runs: genctl compare outputs/a outputs/b.")
    directories = [directory for place in places for directory in _below(Path(place).expanduser())]
    return [read(directory) for directory in {path.resolve(): path for path in directories}.values()]


def read(directory: Path) -> Found:
    """One run. Raises UserError for a file that is damaged."""
    config = rundir.read_config(directory)
    settings = {
        key: value for key, value in rundir.flat(config).items() if key.split(".")[0] not in ASIDE and value is not None
    }
    provenance, summary = _json(directory / rundir.PROVENANCE), _json(directory / rundir.SUMMARY)
    newest = {evaluations.key(record.number): record.number for record in evaluations.read(directory)}
    folds = config["dataset"].get("folds")
    measured = [_of_folds(number, folds) if folds else number for number in newest.values()]
    about = {
        "data": f"{config['dataset'].get('_target_')} {(provenance.get('data') or {}).get('fingerprint', '')[:12]}"
    }
    choices = {group: choice for group, choice in provenance.get("choices", {}).items() if group not in ASIDE}
    logs = [
        Number(f"validation/{name}", value, "", about | _objective(name, config))
        for name, value in (summary.get("metrics") or {}).get("validation", {}).items()
    ]
    return Found(directory, settings, choices, summary, [*measured, *logs])


def _of_folds(number: Number, folds: int) -> Number:
    """The same with one protocol for all folds, which validate on parts of the same data."""
    if number.protocol.get("split") != "validation":
        return number
    data = str(number.protocol.get("data", "")).split(" ")[0]
    part = {"data": f"{data}, one of {folds} folds", "real": "a fold"}
    return dataclasses.replace(number, protocol={**number.protocol, **part})


def _objective(log: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal for a validation log to mean the same: the family, and for losses the objective's settings."""
    dataset = {f"dataset.{key}": config["dataset"].get(key) for key in ("limit", "folds", "split_seed", "image_size")}
    model = config["model"]
    names = [name for name in model if name not in SIZES] if log.endswith("loss") else ["likelihood", "binarization"]
    return {"model": model["_target_"], **dataset, **{f"model.{name}": model[name] for name in names if name in model}}


def _below(place: Path) -> list[Path]:
    if (place / rundir.CONFIG).is_file():
        return [place]
    if not place.is_dir():
        beside = [str(path) for path in place.parent.glob("*/")]
        raise UserError(f"{place} is not there.{did_you_mean(str(place), beside)}")
    inside = []
    for folder, names, files in os.walk(place):
        names[:] = sorted(name for name in names if not name.startswith("."))
        if rundir.CONFIG in files and rundir.PROVENANCE in files:
            inside.append(Path(folder))
            names.clear()
    if not inside:
        raise UserError(f"{place} is not a run and holds none: a run's directory has a {rundir.CONFIG}.")
    return inside


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
