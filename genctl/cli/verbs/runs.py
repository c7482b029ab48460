"""`genctl runs`: what runs there are, how far they are, and what they take of the disk; `genctl runs delete DIR`."""

from rich.console import Console

from genctl.cli.verbs import deletion, runs_table
from genctl.cli.verbs.comparing.run_record import below
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.errors import UserError

DELETE = "delete"


def runs(invocation: Invocation, places: list[str], yes: bool) -> None:
    """Show a table of the runs at or below some places, or delete them. yes: delete without a question.

    Raises UserError for a place that holds none, and where nothing may be deleted.
    """
    if places[:1] == [DELETE]:
        deletion.delete(places[1:], yes, Console())
        return
    if yes:
        raise UserError(f"yes=true answers what genctl runs {DELETE} asks, and this deletes nothing: leave it out.")
    runs_table.show([run for place in places for run in below(files.given(place, "places"))], Console())
