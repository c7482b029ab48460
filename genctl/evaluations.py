"""The results of evaluations, by step: evaluations/step-000004000.json in the run's directory, and TensorBoard."""

import dataclasses
import datetime
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from filelock import FileLock

from genctl import rundir
from genctl.errors import UserError
from genctl.metrics.base import Number

FOLDER, BOARD = "evaluations", "evaluation"


@dataclasses.dataclass(frozen=True)
class Record:
    """A number, the step of the run that it is about, the checkpoint that it was computed from, and when (UTC)."""

    number: Number
    step: int
    checkpoint: str | None
    when: str


def write(directory: Path, step: int, numbers: Sequence[Number], checkpoint: str | None = None) -> Path:
    """Add numbers to the file of the step, in place of those of the same metric and protocol; return the file.

    checkpoint: the name of the one that was loaded; None where a run evaluates itself.
    """
    from genctl.board import Board

    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"step-{step:09d}.json"
    with FileLock(folder / ".lock"):
        write_to(path, numbers, step, checkpoint, _load(path) if path.exists() else ())
    board = Board(directory, begins=False)
    board.scalars(BOARD, step, {number.metric: number.value for number in numbers})
    board.close()
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
    return [record for path in sorted((directory / FOLDER).glob("step-*.json")) for record in _load(path)]


def _load(path: Path) -> list[Record]:
    try:
        return [Record(Number(**row.pop("number")), **row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} cannot be read ({error}): delete it and evaluate anew.") from error


def key(number: Number) -> str:
    """Equal for numbers that can be compared."""
    return json.dumps([number.metric, dict(number.protocol)], sort_keys=True)
