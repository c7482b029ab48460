"""What became of a trial, as its directory says."""

import dataclasses
import json
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genctl.compute.memory import amount
from genctl.config import files
from genctl.runs import checkpoint, records, rundir
from genctl.sweeps.claims import Claims
from genctl.sweeps.definition import INSIDE, Sweep, Trial

TAIL = 2**16  # bytes at the end of a file of metrics
FINISHED, RUNNING, STOPPED, FAILED, MISSING = "finished", "running", "stopped", "failed", "missing"
PRUNED = "pruned"  # given up, since others were better at the same step
LITTLE = 2**30  # bytes of disk, which may be why a trial ended
DONE = (FINISHED, PRUNED)


@dataclasses.dataclass(frozen=True)
class State:
    """name: one of those above. step: of the newest line of metrics; latest: its numbers by "split/name".

    best: of what the run is monitored by. why: it failed.
    """

    name: str
    step: int = 0
    latest: Mapping[str, float] = dataclasses.field(default_factory=dict)
    best: Mapping[str, Any] | None = None
    why: str = ""


def state(sweep: Sweep, trial: Trial, claims: Claims) -> State:
    """What a trial is doing. Raises UserError where a file of it is damaged."""
    place = sweep.place(trial)
    step, latest = newest_numbers(place)
    if claims.owner(trial.key):
        return State(RUNNING, step, latest)
    summary = records.read_summary(place) if place.is_dir() else None
    if summary and summary.status in DONE:
        return State(summary.status, summary.steps, latest, summary.best)
    if why := failure(sweep, trial):
        return State(FAILED, step, latest, why=why)
    begun = checkpoint.newest(place / "checkpoints") if place.is_dir() else None
    return State(STOPPED, int(begun.facts["step"]), latest) if begun else State(MISSING)


def is_done(sweep: Sweep, trial: Trial) -> bool:
    """Whether nothing is left to do of a trial. Raises UserError where its summary is damaged."""
    summary = records.read_summary(sweep.place(trial))
    return summary is not None and summary.status in DONE


def failure(sweep: Sweep, trial: Trial) -> str:
    """Why a trial failed when it was last tried; "" where it did not."""
    path = _failures(sweep) / f"{trial.key}.txt"
    return files.read_text(path).strip() if path.exists() else ""


def note_failure(sweep: Sweep, trial: Trial, why: str) -> None:
    """Keep why a trial failed, in one line."""
    _failures(sweep).mkdir(parents=True, exist_ok=True)
    rundir.write(_failures(sweep) / f"{trial.key}.txt", why + "\n")


def forget_failure(sweep: Sweep, trial: Trial) -> None:
    """A trial is tried anew."""
    (_failures(sweep) / f"{trial.key}.txt").unlink(missing_ok=True)


def _failures(sweep: Sweep) -> Path:
    return sweep.directory / INSIDE / "failures"


def losses(numbers: Mapping[str, float]) -> str:
    """The losses among numbers, in a few words."""
    return "  ".join(f"{name} {value:.4g}" for name, value in numbers.items() if name.endswith("loss"))


def newest_numbers(place: Path) -> tuple[int, dict[str, float]]:
    """The step and the numbers of the newest whole line of metrics.jsonl."""
    path = place / "metrics.jsonl"
    if not path.exists():
        return 0, {}
    with files.regular(path).open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().splitlines()
    for line in reversed(lines):
        try:
            row = json.loads(line)
            split = str(row.pop("split"))
            numbers = {f"{split}/{name}": value for name, value in row.items() if isinstance(value, float)}
            return int(row["step"]), numbers
        except (ValueError, KeyError, TypeError):
            continue  # it is being written
    return 0, {}


def reason(status: int, log: Path) -> str:
    """Why a trial ended early, in one line."""
    if status < 0:
        name = signal.Signals(-status).name
        more = " (perhaps for want of memory)" if -status == signal.SIGKILL else ""
        return f"its process was ended by {name}{more}"
    text = log.read_text(errors="replace") if log.exists() else ""  # on a full disk there is none
    lines = [line for line in text.splitlines() if line.startswith("error: ")]
    if lines:
        return lines[-1].removeprefix("error: ")
    free = shutil.disk_usage(log.parent).free
    return f"exit status {status}; see {log}" + (f"; {amount(free)} of disk are free" if free < LITTLE else "")
