"""Runs as they lie on the disk: what each says of itself, without TensorFlow."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genctl.config import files
from genctl.config.better import LOGS
from genctl.errors import UserError, did_you_mean
from genctl.metrics import results
from genctl.metrics.evaluation import Number
from genctl.runs import records, rundir

SIZES = ("_target_", "latent_dim", "phases", "ema_halflife", "adversarial_learning_rate")
DATASET = ("channels", "folds", "frames", "image_size", "interpolation", "limit", "range", "split_seed", "stratify")
REPEATS = ("seed", "dataset.fold")  # settings in which repetitions of one experiment differ
ASIDE = (*rundir.NOT_COMPARED, "callbacks", "metrics", "features")  # they say what is kept and measured


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """One run. settings: its config by dotted keys; choices: of config groups; numbers: the newest of each protocol.

    status: running, or how it ended.
    """

    directory: Path
    settings: Mapping[str, Any]
    choices: Mapping[str, str]
    status: str
    summary: records.Summary | None
    numbers: Sequence[Number]

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal for repetitions of one experiment."""
        return tuple(f"{key}={value}" for key, value in sorted(self.settings.items()) if key not in REPEATS)

    @property
    def parameters(self) -> int | None:
        """The weights of all networks."""
        return sum(self.summary.parameters.values()) if self.summary else None


def runs_at(places: Sequence[str]) -> list[RunRecord]:
    """Every run at or below these places, each once. Raises UserError for a place that holds none."""
    if not places:
        raise UserError("genctl compare needs directories of runs: genctl compare outputs/a outputs/b.")
    directories = [directory for place in places for directory in below(files.given(place, "runs"))]
    return [read(directory) for directory in {path.resolve(): path for path in directories}.values()]


def read(directory: Path) -> RunRecord:
    """One run. Raises UserError for a file that is damaged."""
    files.check_tree(directory)
    config = records.read_config(directory)
    settings = {
        key: value for key, value in rundir.flat(config).items() if key.split(".")[0] not in ASIDE and value is not None
    }
    provenance = records.read_provenance(directory)
    summary = records.read_summary(directory)
    newest = {results.key(record.number): record.number for record in results.read(directory)}
    folds = config["dataset"].get("folds")
    measured = [_of_folds(number, folds) if folds else number for number in newest.values()]
    about = {"data": f"{config['dataset'].get('_target_')} {provenance.data.fingerprint[:12] if provenance else ''}"}
    chosen = provenance.choices if provenance else {}
    choices = {group: choice for group, choice in chosen.items() if group not in ASIDE}
    logs = [
        Number(f"validation/{name}", value, "", about | _objective(name, config), better=LOGS.get(name))
        for name, value in (summary.metrics if summary else {}).get("validation", {}).items()
    ]
    status = records.status(directory)
    return RunRecord(directory, settings, choices, status, summary, [*measured, *logs])


def _of_folds(number: Number, folds: int) -> Number:
    """The same with one protocol for all folds, which validate on parts of the same data."""
    if number.protocol.get("split") != "validation":
        return number
    data = str(number.protocol.get("data", "")).split(" ")[0]
    part = {"data": f"{data}, one of {folds} folds", "real": "a fold"}
    return dataclasses.replace(number, protocol={**number.protocol, **part})


def _objective(log: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal for a validation log to mean the same: the family, and for losses the objective's settings."""
    dataset = {f"dataset.{key}": config["dataset"].get(key) for key in DATASET}
    model = config["model"]
    pixels = ("likelihood", "reconstruction", "binarization")
    names = [name for name in model if name not in SIZES] if log.endswith("loss") else pixels
    return {"model": model["_target_"], **dataset, **{f"model.{name}": model[name] for name in names if name in model}}


def below(place: Path) -> list[Path]:
    """The directories of runs at or below a place. Raises UserError where there is none."""
    if (place / rundir.CONFIG).is_file():
        return [place]
    if not place.is_dir():
        beside = [str(path) for path in place.parent.glob("*/")]
        raise UserError(f"{place} is not there.{did_you_mean(str(place), beside)}")
    inside = []
    for folder, names, inner in os.walk(place):
        names[:] = sorted(name for name in names if not name.startswith("."))
        if rundir.CONFIG in inner and rundir.PROVENANCE in inner:
            inside.append(Path(folder))
            names.clear()
    if not inside:
        raise UserError(f"{place} is not a run and holds none: a run's directory has a {rundir.CONFIG}.")
    return inside
