"""Checkpoints: every variable of a run by name, in a directory that appears whole or not at all."""

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict, get_type_hints

import numpy as np
import safetensors.numpy
from pydantic import AfterValidator, NonNegativeInt

from genctl.config import files
from genctl.config.signatures import check_value
from genctl.errors import UserError, first_few

STATE, MANIFEST = "state.safetensors", "manifest.json"
STEP = re.compile(r"step-\d{1,18}", re.ASCII)
log = logging.getLogger("genctl")


def _of_types(**kinds: type) -> AfterValidator:
    """Refuse a mapping that has not these keys with values of these types."""

    def check(values: dict[str, Any]) -> dict[str, Any]:
        if {name: type(value) for name, value in values.items()} != kinds:
            raise ValueError(f"should have {', '.join(kinds)}")
        return values

    return AfterValidator(check)


class Facts(TypedDict):
    """What a checkpoint holds beside the variables (see Run.facts)."""

    step: NonNegativeInt
    total: NonNegativeInt
    phase: str
    log_names: list[str]
    log_count: NonNegativeInt
    metrics_bytes: NonNegativeInt
    latest: dict[str, dict[str, float]]
    best: Annotated[dict[str, Any], _of_types(step=int, metric=str, value=float)] | None
    waited: NonNegativeInt
    rollbacks: NonNegativeInt
    health: Annotated[dict[str, Any], _of_types(since=dict, warned=list)]


class Checkpoint(NamedTuple):
    """What was stored. arrays: variables by name."""

    path: Path
    arrays: dict[str, np.ndarray]
    facts: Facts


class Damaged(Exception):
    """A checkpoint is not what its manifest says."""


def save(root: Path, step: int, arrays: Mapping[str, np.ndarray], facts: Facts) -> Path:
    """Write `root/step-N` aside, flush it to the disk, and rename it; return it.

    Where a checkpoint of that step stands already with the same state, only its facts are replaced.
    Raises UserError where the disk has no room.
    """
    final = root / f"step-{step:09d}"
    aside = root / f".{final.name}.tmp"
    for left in root.glob(".step-*.tmp"):  # by a process that was killed while it wrote
        shutil.rmtree(left)
    aside.mkdir(parents=True)
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    try:
        safetensors.numpy.save_file(ordered, aside / STATE)
    except safetensors.SafetensorError as error:  # its own name for what the system refuses
        raise UserError(f"{aside / STATE} cannot be written: {error}. The checkpoint before it is kept.") from error
    identity = _identity(aside / STATE)
    (aside / MANIFEST).write_text(_manifest(facts, {STATE: identity}))
    for path in (aside / STATE, aside / MANIFEST, aside):
        _flush(path)
    if (final / STATE).exists() and _identity(final / STATE) == identity:
        (aside / MANIFEST).replace(final / MANIFEST)
        shutil.rmtree(aside)
    else:
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
    _flush(root)
    return final


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises Damaged where it is not what its manifest says."""
    try:
        text = files.read_text(path / MANIFEST)
        manifest = json.loads(text)
        if text != _manifest(manifest["facts"], manifest["files"]):
            raise Damaged(f"{MANIFEST} has not the SHA-256 that it was written with")
        if manifest["files"] != {STATE: _identity(path / STATE)}:
            raise Damaged(f"{STATE} has not the size and SHA-256 of its manifest")
        for name, annotation in get_type_hints(Facts, include_extras=True).items():
            check_value(manifest["facts"][name], annotation, name)
        return Checkpoint(path, safetensors.numpy.load_file(path / STATE), manifest["facts"])
    except (UserError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from error
    except safetensors.SafetensorError as error:
        raise Damaged(f"{STATE}: {error}") from error


def newest(root: Path) -> Checkpoint | None:
    """Load the newest checkpoint that is whole; name each damaged one in a warning. None where there is none.

    Raises UserError where all are damaged: to begin again from step 0 is for the user to say.
    """
    damaged: dict[Path, Damaged] = {}
    for path in reversed(steps(root)):
        try:
            stored = load(path)
        except Damaged as error:
            damaged[path] = error
            continue
        for broken, why in damaged.items():
            log.warning("checkpoint %s is damaged (%s): using the one before.", broken, why)
        return stored
    if damaged:
        reasons = first_few([f"{path.name} ({why})" for path, why in damaged.items()])
        raise UserError(
            f"every checkpoint in {root} is damaged: {reasons}. Bring one back from a copy, or delete this folder to "
            "begin again from step 0."
        )
    return None


def find(root: Path, which: str) -> Checkpoint:
    """Load the checkpoint called latest, best, or by its step. Raises UserError where it is not there or damaged."""
    latest = newest(root)
    if latest is None:
        raise UserError(f"{root} holds no checkpoint: the run has not come that far yet.")
    if which == "latest":
        return latest
    step: Any = which
    if which == "best":
        if not (best := latest.facts["best"]):
            raise UserError("checkpoint=best: this run has no best checkpoint (its model names no metric to go by).")
        step = best.get("step")
    known = [str(_step(path)) for path in steps(root)]
    if str(step) not in known:
        raise UserError(f"checkpoint={which} is not there: choose latest, best, or a step of {', '.join(known)}.")
    try:
        return load(steps(root)[known.index(str(step))])
    except Damaged as error:
        raise UserError(f"checkpoint={which} is damaged: {error}. Choose another.") from error


def prune(root: Path, step: int, keep: int, best_step: int | None) -> None:
    """Delete all up to this step but the `keep` newest checkpoints and the best.

    What lies beyond is damaged, and counts as nothing until it is written anew.
    """
    for path in [path for path in steps(root) if _step(path) <= step][:-keep]:
        if _step(path) != best_step:
            shutil.rmtree(path)


def steps(root: Path) -> list[Path]:
    """The checkpoints, oldest first."""
    return sorted((path for path in root.glob("step-*") if STEP.fullmatch(path.name)), key=_step)


def _step(path: Path) -> int:
    return int(path.name[5:])


def _manifest(facts: Facts, files: Mapping[str, Any]) -> str:
    """The text of a manifest, which holds its own SHA-256, so that no bit of it can change unseen."""
    content = {"facts": dict(facts), "files": dict(files)}
    return json.dumps(content | {"sha256": hashlib.sha256(json.dumps(content).encode()).hexdigest()}, indent=2)


def _identity(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
