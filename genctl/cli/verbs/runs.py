"""`genctl runs`: what runs there are, how far they are, and what they take of the disk."""

from pathlib import Path

import filelock
from rich.console import Console
from rich.table import Table

from genctl.cli.verbs.comparing.run_record import below
from genctl.compute.memory import amount
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.printing import plain
from genctl.runs import records, rundir
from genctl.sweeps.states import losses, newest_numbers


def runs(invocation: Invocation, places: list[str]) -> None:
    """Show a table of the runs at or below some places. Raises UserError for a place that holds none."""
    table = Table()
    for head in ("run", "state", "step", "size", "newest"):
        table.add_column(head, justify="right" if head in ("step", "size") else "left", overflow="fold")
    total = 0
    for directory in [run for place in places for run in below(files.given(place, "places"))]:
        size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        step, numbers = newest_numbers(directory)
        row = str(directory), state(directory), str(step or ""), amount(size), losses(numbers)
        table.add_row(*map(plain, row))
        total += size
    Console().print(table)
    Console().print(plain(f"{table.row_count} runs, {amount(total)}"))


def state(directory: Path) -> str:
    """running, or how a run ended: finished, stopped or failed; killed where it had no time to say so."""
    lock = directory / rundir.LOCK
    if lock.exists():
        try:
            filelock.FileLock(lock, timeout=0).acquire().lock.release()
        except filelock.Timeout:
            return "running"
    summary = records.read_summary(directory)
    return summary.status if summary else "killed"
