"""The results of evaluations, by step: evaluations/step-000004000.json in the run's directory, and TensorBoard."""

import dataclasses
import datetime
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from filelock import FileLock
from pydantic import Field

from genctl.errors import UserError
from genctl.metrics.evaluation import Number, Words
from genctl.runs import records, rundir

FOLDER, BOARD = "evaluations", "evaluation"
NAMES = re.compile(r"step-\d{9,18}\.json", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Record:
    """A number, the step of the run that it is about, the checkpoint that it was computed from, and when (UTC)."""

    number: Number
    step: Annotated[int, Field(ge=0, lt=2**63)]
    checkpoint: Words | None
    when: Words


def write(directory: Path, step: int, numbers: Sequence[Number], checkpoint: str | None = None) -> Path:
    """Add numbers to the file of the step, in place of those of the same metric and protocol; return the file.

    checkpoint: the name of the one that was loaded; None where a run evaluates itself. Raises UserError where the
    results that are there are damaged, or the directory cannot be written.
    """
    from genctl.runs.board import Board

    folder = directory / FOLDER
    path = folder / f"step-{step:09d}.json"
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder / ".lock"):
            write_to(path, numbers, step, checkpoint, _load(path) if path.exists() else ())
        board = Board(directory, begins=False)
        board.scalars(BOARD, step, {number.metric: number.value for number in numbers})
        board.close()
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error
    return path


def write_to(
    path: Path,
    numbers: Sequence[Number],
    step: int = 0,
    checkpoint: str | None = None,
    before: Iterable[Record] = (),
) -> None:
    """Write a file of results. before: records that stay, but for those that the numbers replace."""
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    records = {key(record.number): record for record in before}
    records |= {key(number): Record(number, step, checkpoint, when) for number in numbers}
    rundir.write_json(path, [dataclasses.asdict(record) for record in records.values()])


def read(directory: Path) -> list[Record]:
    """All results of a run, by step. Raises UserError where a file of them is damaged."""
    folder = directory / FOLDER
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is no folder, and results are kept in it: move it away.")
    return [record for path in sorted(folder.glob("step-*.json")) for record in _load(path)]


def _load(path: Path) -> list[Record]:
    if not NAMES.fullmatch(path.name):
        raise UserError(f"{path} has not the name of a file of results, such as step-000004000.json: move it away.")
    try:
        return records.read(path, list[Record])
    except UserError as error:
        raise UserError(f"{error} Delete it and evaluate anew.") from error


def key(number: Number) -> str:
    """Equal for numbers that can be compared."""
    return json.dumps([number.metric, dict(number.protocol)], sort_keys=True)
