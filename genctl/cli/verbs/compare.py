"""`genctl compare`: runs side by side, from what lies in their directories."""

from pathlib import Path

from rich.console import Console

from genctl.cli.verbs.comparing import pages, tables
from genctl.cli.verbs.comparing.columns import comparison
from genctl.cli.verbs.comparing.run_record import runs_at
from genctl.cli.verbs.outputs import writable
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.printing import plain
from genctl.errors import UserError
from genctl.sweeps import definition, states
from genctl.sweeps.claims import Claims
from genctl.sweeps.view import describe


def compare(
    invocation: Invocation, runs: list[str], by: str | None, json: str | None, csv: str | None, html: str | None
) -> None:
    """Show the table, and write it to the files that are asked for. Raises UserError for two files that are one."""
    wanted = {name: place for name, place in (("json", json), ("csv", csv), ("html", html)) if place is not None}
    places = {name: writable(files.given(place, name), f"{name}=FILE") for name, place in wanted.items()}
    if len({path.resolve() for path in places.values()}) < len(places):
        raise UserError(f"{' '.join(f'{name}={place}' for name, place in wanted.items())} are one file: name several.")
    compared = comparison(runs_at(runs), by)
    console = Console()
    console.print(tables.tables(compared, console.width))
    for place in map(Path, runs):
        if (place / definition.FILE).is_file():
            sweep, claims = definition.load(place), Claims(place)
            by_trial = {trial.name: states.state(sweep, trial, claims) for trial in sweep.trials}
            console.print(plain("\n".join(describe(sweep, by_trial))))
    for name, path in places.items():
        pages.write(compared, name, path)
        console.print(path, markup=False, highlight=False, soft_wrap=True)
