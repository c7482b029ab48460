"""`genctl compare`: runs side by side, from what lies in their directories."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from genctl import rundir
from genctl.comparison import files, terminal
from genctl.comparison.columns import comparison
from genctl.comparison.found import runs
from genctl.instantiate import check_value
from genctl.invocation import Invocation
from genctl.outcome import writable


def compare(cfg: DictConfig, invocation: Invocation) -> None:
    """Show the table, and write it to the files that are asked for."""
    options: dict[str, Any] = rundir.plain(cfg)
    check_value(options["runs"], list[str], "runs")
    wanted = {name: options[name] for name in files.FORMATS if options[name] is not None}
    places = {name: writable(Path(place).expanduser(), f"{name}=FILE") for name, place in wanted.items()}
    found = comparison(runs(options["runs"]), options["by"])
    console = Console()
    console.print(terminal.tables(found, console.width))
    for name, path in places.items():
        files.write(found, name, path)
        console.print(path, markup=False, highlight=False, soft_wrap=True)
