"""Sweeps: what `-m` can run, checked before Hydra begins, and a place for Hydra's record of it."""

import contextlib
import math
import tempfile
from collections.abc import Iterator, Sequence

from hydra.core.override_parser.types import Override

from genctl.cli import composition
from genctl.cli.arguments import quoted
from genctl.cli.composition import Request
from genctl.config.signatures import shown
from genctl.errors import UserError

MOST_JOBS = 10_000


@contextlib.contextmanager
def prepared(request: Request) -> Iterator[list[str]]:
    """Check a sweep; within the block, Hydra keeps its record where the overrides that are given here say.

    That is a place which is removed, since each run has a record of its own, but where Hydra's settings are given:
    other launchers keep their logs there. Raises UserError for a sweep that has no job, or too many.
    """
    overrides = composition.parse(request.overrides)
    if any(override.is_hydra_override() for override in overrides):
        yield []
        return
    _check(overrides)
    with tempfile.TemporaryDirectory() as place:
        yield [f"hydra.sweep.dir={quoted(place)}"]


def _check(overrides: Sequence[Override]) -> None:
    counts = {shown(o.input_line): _count(o) for o in overrides if o.is_sweep_override()}
    for line, count in counts.items():
        if not count:
            raise UserError(f"{line} names nothing to run: give at least one value.")
    if (jobs := math.prod(counts.values())) > MOST_JOBS:
        raise UserError(f"{' '.join(counts)} makes {jobs:,} jobs, and {MOST_JOBS:,} are the most of a sweep.")


def _count(override: Override) -> int:
    if not override.is_discrete_sweep():
        raise UserError(f"{shown(override.input_line)}: an interval has no end of values: list some.")
    return len(composition.values(override))
