"""Where a run came from: command, code, packages, machine, data."""

import dataclasses
import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

from genctl.compute.cores import cores
from genctl.config.invocation import Invocation
from genctl.data.dataset import Dataset
from genctl.errors import UserError
from genctl.runs import records, rundir

PACKAGES = (
    "genctl",
    "tensorflow",
    "keras",
    "numpy",
    "hydra-core",
    "omegaconf",
    "safetensors",
    "pillow",
    "scikit-learn",
)


def record(path: Path, invocation: Invocation, dataset: Dataset, seed: int, device: str) -> None:
    """Write provenance.json; a run that continues adds a session to it. Refuses other data than the run began with.

    Raises UserError, which names both.
    """
    session = {
        "command": invocation.command,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "packages": versions(),
        "hardware": hardware(device),
    }
    data = records.Data(dataset.spec.name, dataset.sizes, dataset.fingerprint)
    before = records.read_provenance(path)
    if before is None:
        before = records.Provenance(invocation.command, seed, dict(invocation.choices), data, [])
    if dataclasses.replace(before.data, name=data.name) != data:  # the same under another name is the same
        raise UserError(
            f"the data set has changed since {path} began: {dataclasses.asdict(before.data)} then, "
            f"{dataclasses.asdict(data)} now. Bring the old data back, or train anew under another name=…"
        )
    now = dataclasses.replace(before, sessions=[*before.sessions, session])
    rundir.write_json(path / rundir.PROVENANCE, dataclasses.asdict(now))


def git_commit() -> str | None:
    """Commit of the source tree that genctl runs from, with "+changes" where files differ; None outside a work tree."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != root:
            return None
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def versions() -> dict[str, str]:
    """Versions of Python and the packages that numbers depend on."""
    own = {"python": platform.python_version()}
    return own | {name: importlib.metadata.version(name) for name in PACKAGES}


def hardware(device: str) -> dict[str, Any]:
    """The machine, as far as numbers and speed depend on it."""
    return {
        "device": device,
        "processor": platform.processor() or platform.machine(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
    }
