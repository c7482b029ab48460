"""What the files of a run say of it: written by genctl, but perhaps changed by a stranger, and so checked."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pydantic
import yaml

from genctl.config import files, signatures
from genctl.config.runconfig import RunConfig
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.runs import rundir

MOST_NUMBERS = 2**26  # in one example, such as an image of 4096x4096 in colour
Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Data:
    """The data that a run was trained on. sizes: examples by split; fingerprint: SHA-256 of all images and labels."""

    name: str
    sizes: dict[str, int]
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class Provenance:
    """provenance.json: the first command, the choices of config groups, and one session for each start."""

    command: str
    seed: int
    choices: dict[str, str]
    data: Data
    sessions: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Summary:
    """summary.json: how a run ended. metrics: the newest by split; parameters: numbers of weights by network."""

    status: str
    steps: int
    metrics: dict[str, dict[str, float]]
    best: dict[str, Any] | None
    images_per_second: float
    seconds: float
    parameters: dict[str, int]
    host_memory_mib: float | None = None
    device_memory_mib: float | None = None


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What came of a training: the run's directory, and its summary."""

    directory: Path
    summary: Summary

    @property
    def best(self) -> float | None:
        """The best value of what the run is monitored by; None where there is none."""
        return self.summary.best["value"] if self.summary.best else None


def read(path: Path, kind: type[Record]) -> Record:
    """The record that a JSON file holds. Raises UserError where the file is damaged or holds something else."""
    text = files.read_text(path)
    try:
        return pydantic.TypeAdapter(kind).validate_json(text, strict=True)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise UserError(f"{path} cannot be read: {f'{place}: ' if place else ''}{problem['msg']}.") from error


def read_config(path: Path) -> dict[str, Any]:
    """The resolved config that a run was started with. Raises UserError for one that genctl would not have written.

    It may come from a stranger: nothing in it is looked up in the environment or elsewhere.
    """
    config = files.read_yaml(path / rundir.CONFIG)
    if not isinstance(config, dict):
        raise UserError(f"{path / rundir.CONFIG} is not the config of a run: it holds no settings.")
    signatures.check_settings(RunConfig, config, str(path / rundir.CONFIG))
    refuse_references(config, str(path / rundir.CONFIG))
    return config


def refuse_references(value: Any, place: str) -> None:
    """Raise UserError for a `${…}` anywhere in a config that is stored: every value in it stands for itself."""
    if isinstance(value, str) and "${" in value:
        raise UserError(f"{place}: {signatures.shown(value)} refers to something else: write the value itself.")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        refuse_references(name, place)
        refuse_references(item, f"{place}, {name}" if isinstance(value, dict) else f"{place}[{name}]")


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """Store the config."""
    rundir.write(
        path / rundir.CONFIG, yaml.dump(dict(config), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)
    )


class _PlainDumper(yaml.SafeDumper):
    """Values that are there twice are written twice, and not as aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never make an alias."""
        return True


_PlainDumper.add_implicit_resolver(  # to PyYAML these are texts, to Hydra and others numbers: they get quotes
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?([0-9][0-9_]*\.?|\.[0-9])[0-9_]*([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def read_summary(path: Path) -> Summary | None:
    """How a run ended; None where it has not ended yet."""
    file = path / rundir.SUMMARY
    return read(file, Summary) if file.exists() else None


def status(path: Path) -> str:
    """running, or how a run ended: finished, pruned, stopped or failed; killed where it had no time to say so."""
    if rundir.is_locked(path):
        return "running"
    summary = read_summary(path)
    return summary.status if summary else "killed"


def read_spec(path: Path) -> Spec:
    """The shapes of the data that the run was trained on. Raises UserError for what describes no data."""
    spec = read(path / rundir.SPEC, Spec)
    ends = [end if isinstance(end, tuple) else (end,) for end in (spec.low, spec.high)]
    widths = {1} if spec.is_image else {1, spec.size}
    fits = len(spec.image_shape) in (1, 3) and min(spec.image_shape) > 0 and spec.size <= MOST_NUMBERS
    ordered = all(low < high for low, high in zip(*ends, strict=False)) and all(np.isfinite(ends).ravel())
    if not fits or {len(end) for end in ends} - widths or len(ends[0]) != len(ends[1]) or not ordered:
        raise UserError(
            f"{path / rundir.SPEC} cannot be read: it describes no images or vectors, but {spec.image_shape}."
        )
    return spec


def read_provenance(path: Path) -> Provenance | None:
    """Where a run came from; None where its directory does not say."""
    file = path / rundir.PROVENANCE
    return read(file, Provenance) if file.exists() else None
