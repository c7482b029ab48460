"""The table of runs that `genctl runs` shows."""

from collections.abc import Sequence
from pathlib import Path

import filelock
from rich.console import Console
from rich.table import Table

from genctl.cli.mistakes import short
from genctl.compute.memory import amount
from genctl.config.printing import plain
from genctl.runs import records, rundir
from genctl.sweeps.states import losses, newest_numbers


def show(directories: Sequence[Path], console: Console) -> None:
    """Show runs with state, step, size on disk and newest losses. Raises UserError for a file that is damaged."""
    table = Table()
    for head in ("run", "state", "step", "size", "newest"):
        table.add_column(head, justify="right" if head in ("step", "size") else "left", overflow="fold")
    total = 0
    for directory in directories:
        size = rundir.size(directory)
        step, numbers = newest_numbers(directory)
        row = short(directory), state(directory), str(step or ""), amount(size), losses(numbers)
        table.add_row(*map(plain, row))
        total += size
    console.print(table)
    console.print(plain(f"{table.row_count} runs, {amount(total)}"))


def state(directory: Path) -> str:
    """running, or how a run ended: finished, stopped or failed; killed where it had no time to say so."""
    if is_running(directory):
        return "running"
    summary = records.read_summary(directory)
    return summary.status if summary else "killed"


def is_running(directory: Path) -> bool:
    """Whether a process of this machine trains the run."""
    lock = directory / rundir.LOCK
    if lock.exists():
        try:
            filelock.FileLock(lock, timeout=0).acquire().lock.release()
        except filelock.Timeout:
            return True
    return False
