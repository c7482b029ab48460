"""`genctl doctor`: whether what genctl needs is here and works, and what to do where it does not."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from genctl.cli.terminal import quiet
from genctl.cli.verbs.checkup import folders, machine, software, trainings
from genctl.cli.verbs.checkup.finding import Finding
from genctl.config.invocation import Invocation
from genctl.errors import UserError

log = logging.getLogger("genctl")


def doctor(invocation: Invocation) -> None:
    """Say in a line each what was found. Raises UserError where anything that is needed is not well."""
    with quiet(), tempfile.TemporaryDirectory() as place:
        failed, count = [], 0
        for finding in _findings(Path(place)):
            log.info("%s", finding)
            count += finding.needed
            failed += [finding.name] if finding.failed else []
        if failed:
            raise UserError(f"{len(failed)} of {count} checks failed: {', '.join(failed)}. Their lines say what to do.")
        log.info("all is well: %d checks", count)


def _findings(place: Path) -> Iterator[Finding]:
    """Look at one thing after another. place: a folder that is thrown away."""
    yield from software.look()
    yield from folders.look()
    yield from machine.look(place)
    yield from trainings.look(place)
