"""The table of runs that `genctl runs` shows."""

from collections.abc import Sequence
from pathlib import Path

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
        row = short(directory), records.status(directory), str(step or ""), amount(size), losses(numbers)
        table.add_row(*map(plain, row))
        total += size
    console.print(table)
    console.print(plain(f"{table.row_count} runs, {amount(total)}"))
