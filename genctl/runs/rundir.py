"""A run's directory: its name, its files, and whether a command may continue it."""

import contextlib
import datetime
import itertools
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock
from omegaconf import OmegaConf

from genctl.config import files
from genctl.errors import UserError, did_you_mean, first_few

CONFIG, SPEC, PROVENANCE, SUMMARY, LOG = "config.yaml", "spec.json", "provenance.json", "summary.json", "train.log"
ENGINE = "engine.json"
OWNER, LOCK = ".owner", ".lock"
NOT_COMPARED = ("name", "outputs")  # they say where a run is kept, not what it computes
NEVER_DIFFERENT = ("trainer.wait_seconds",)  # nor does this, which runs of older versions do not have


def path_of(config: Mapping[str, Any], job: str | None) -> Path | None:
    """The directory of a named run, in a sweep one for each job; None where the run has no name.

    Raises UserError for a name that leads elsewhere.
    """
    if config["name"] is None:
        return None
    name = Path(str(config["name"]))
    files.given(str(name), "name")
    if name.is_absolute() or ".." in name.parts or name == Path():
        raise UserError(f"name={name}: a name is a path below outputs={config['outputs']}; outputs=… moves that.")
    return files.given(config["outputs"], "outputs") / name / (job or "")


def claim(path: Path) -> Path:
    """Make the directory of a named run where it is not there; refuse one that holds something else.

    Raises UserError, which says what.
    """
    path.mkdir(parents=True, exist_ok=True)
    files.check_tree(path)
    if not (path / CONFIG).exists() and (other := others(path)):
        raise UserError(f"{path} is not a genctl run but holds {first_few(other)}: choose another name=…")
    return path


def others(path: Path) -> list[str]:
    """What lies in a directory beside the files that a run has before it begins to train."""
    ours = {LOG, OWNER, LOCK}
    ours |= {
        place.name for name in (CONFIG, SPEC, PROVENANCE, ENGINE) for place in (path / name, files.aside(path / name))
    }
    return sorted({item.name for item in path.iterdir()} - ours)


def size(path: Path) -> int:
    """Bytes of all files at and below a directory."""
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())


def fresh(outputs: str, stem: str) -> Path:
    """Make a directory `outputs/stem-DATE-TIME`, with a number where that is taken."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(1):
        path = files.given(outputs, "outputs") / (f"{stem}-{stamp}" if number == 1 else f"{stem}-{stamp}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir(parents=True)
            break
    return path


def argument(path: Path) -> str:
    """Write `run=PATH` as it must be typed, with quotes for the shell and for Hydra where the path needs them."""
    return f"run={path}" if re.fullmatch(r"[\w./+-]+", str(path), re.ASCII) else shlex.quote(f'run="{path}"')


def existing(run: str, key: str = "run") -> Path:
    """The directory of a run that is to be used; `key` is the setting that names it. UserError where there is none."""
    path = files.given(run, key)
    if (path / CONFIG).exists():
        files.check_tree(path)
        return path
    if path.is_dir():
        raise UserError(f"{key}={path} is not a genctl run: it has no {CONFIG}.")
    runs = [str(config.parent) for config in path.parent.glob(f"*/{CONFIG}")]
    there = f" Runs there: {first_few(sorted(runs))}." if runs else ""
    raise UserError(f"{key}={path} is not there.{did_you_mean(str(path), runs) or there}")


def lock(path: Path) -> filelock.FileLock:
    """Hold the run for this process alone, until the process ends. Raises UserError where another holds it."""
    guard = filelock.FileLock(path / LOCK, timeout=0)
    try:
        guard.acquire()
    except filelock.Timeout:
        owner = files.read_text(path / OWNER) if (path / OWNER).exists() else "another process"
        raise UserError(f"{path} is being trained by {owner}: wait for it, or choose another name=…") from None
    (path / OWNER).write_text(f"process {os.getpid()}")
    return guard


def is_locked(path: Path) -> bool:
    """Whether a process trains the run."""
    guard = filelock.FileLock(path / LOCK, timeout=0)
    try:
        if (path / LOCK).exists():
            guard.acquire().lock.release()
    except filelock.Timeout:
        return True
    return False


@contextlib.contextmanager
def locked(path: Path, worker: int) -> Iterator[Path]:
    """Where this process writes: the run, held for it alone; or, for one that helps, a place that is thrown away.

    worker: 0 for the process that writes. A helper sees the run's checkpoints and what its engine does.
    """
    if worker == 0:
        with lock(path):
            yield path
        return
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "checkpoints").symlink_to((path / "checkpoints").absolute())
        if (path / ENGINE).exists():
            shutil.copy(path / ENGINE, place)
        yield Path(place)


def plain(config: Any) -> dict[str, Any]:
    """Turn a config into dicts and lists, with every interpolation resolved."""
    container = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs in two configs, as "key: old -> new"."""
    before, after = flat(old), flat(new)
    compared = sorted((before | after).keys() - set(NEVER_DIFFERENT))
    keys = [key for key in compared if key.split(".")[0] not in NOT_COMPARED]
    return [
        f"{key}: {before.get(key, 'not there')} -> {after.get(key, 'not there')}"
        for key in keys
        if before.get(key, ...) != after.get(key, ...)
    ]


def write_json(path: Path, values: Any) -> None:
    """Write JSON that is whole or not there."""
    write(path, json.dumps(values, indent=2) + "\n")


def write(path: Path, text: str) -> None:
    """Write a text file aside and rename it."""
    files.aside(path).write_text(text, encoding="utf-8")
    files.aside(path).replace(path)


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """A config by dotted keys."""
    if isinstance(config, Mapping) and config:
        return {
            k: v for key, value in config.items() for k, v in flat(value, f"{prefix}.{key}" if prefix else key).items()
        }
    return {prefix: config}
