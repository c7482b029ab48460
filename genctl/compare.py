"""`genctl compare`: runs side by side, from what lies in their directories."""

from rich.console import Console

from genctl import files
from genctl.comparison import files as formats
from genctl.comparison import terminal
from genctl.comparison.columns import comparison
from genctl.comparison.found import runs_at
from genctl.errors import UserError
from genctl.invocation import Invocation
from genctl.outcome import writable


def compare(
    invocation: Invocation, runs: list[str], by: str | None, json: str | None, csv: str | None, html: str | None
) -> None:
    """Show the table, and write it to the files that are asked for."""
    wanted = {name: place for name, place in (("json", json), ("csv", csv), ("html", html)) if place is not None}
    places = {name: writable(files.given(place, name), f"{name}=FILE") for name, place in wanted.items()}
    if len({path.resolve() for path in places.values()}) < len(places):
        raise UserError(f"{' '.join(f'{name}={place}' for name, place in wanted.items())} are one file: name several.")
    found = comparison(runs_at(runs), by)
    console = Console()
    console.print(terminal.tables(found, console.width))
    for name, path in places.items():
        formats.write(found, name, path)
        console.print(path, markup=False, highlight=False, soft_wrap=True)
