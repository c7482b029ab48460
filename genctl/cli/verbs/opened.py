"""A run that a verb works on."""

import contextlib
from collections.abc import Iterator, Sequence

from genctl.cli.terminal import quiet
from genctl.config.moved import NOT_MOVED, MovedData
from genctl.runs.trained import Trained, load


@contextlib.contextmanager
def trained(
    run: str,
    checkpoint: str | int,
    trust: Sequence[str],
    moved: MovedData = NOT_MOVED,
) -> Iterator[Trained]:
    """Load a run for a verb: libraries' chatter is kept off the terminal."""
    with quiet():
        yield load(run, checkpoint, trust, moved)
