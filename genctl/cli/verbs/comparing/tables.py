"""A comparison for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from genctl.cli.verbs.comparing.columns import Cell, Column, Comparison, Row
from genctl.config.printing import plain

GAP = 3  # characters between columns


def tables(compared: Comparison, width: int) -> RenderableType:
    """The runs, the best first; then every metric of each, by the runs' numbers; below are the protocols."""
    best = next((column for column in compared.columns if column.name == compared.sorted_by), None)
    heads = ["", "run", *([heading(best)] if best else []), "differs in", "status", "images/s", "parameters"]
    runs = Table(title="runs", title_justify="left")
    for head in heads:
        runs.add_column(plain(head))
    for number, row in enumerate(compared.rows, start=1):
        value = [shown(row.cells.get(best.name))] if best else []
        differs = "\n".join(filter(None, (words(row.settings), row.repeats)))
        runs.add_row(*map(plain, (str(number), row.name, *value, differs, row.status, *_size(row))))
    return Group(runs, *_metrics(compared, width), *(plain(line) for line in protocols(compared.columns)))


def words(settings: Mapping[str, Any]) -> str:
    """Settings as one would type them."""
    return " ".join(f"{key}={value}" for key, value in settings.items())


def shown(cell: Cell | None) -> str:
    """The mean with its spread, and of how many runs."""
    if cell is None:
        return ""
    spread = "" if cell.spread is None else f" ± {cell.spread:.2g}"
    return f"{cell.mean:.4g}{spread}" + (f" ({cell.count})" if cell.count > 1 else "")


def heading(column: Column) -> str:
    """The column's name, with an arrow that says which values are the better ones."""
    return column.name + {"lower": " ↓", "higher": " ↑", None: ""}[column.better]


def protocols(columns: Sequence[Column]) -> list[str]:
    """In what the protocols of a metric differ that is there by several, one line for all that differ alike."""
    lines: dict[str, list[str]] = {}
    for column in columns:
        alike = [other.protocol for other in columns if other.metric == column.metric]
        keys = dict.fromkeys(key for protocol in alike for key in protocol)
        own = {key: column.protocol.get(key) for key in keys if len({str(protocol.get(key)) for protocol in alike}) > 1}
        if own:
            said = {key: value for key, value in own.items() if value is not None}  # what the others have is theirs
            lines.setdefault(words(said or own), []).append(column.name)
    return [f"{', '.join(names)}: {line}" for line, names in lines.items()]


def _metrics(compared: Comparison, width: int) -> Iterator[Table]:
    """One row a metric and one column a run, in as many tables as it takes to show all runs in full."""
    texts = [[shown(row.cells.get(column.name)) for column in compared.columns] for row in compared.rows]
    names = [heading(column) for column in compared.columns]
    room = width - GAP - max(map(len, names), default=0)
    first = 0
    while first < len(texts) and names:
        count = 1
        while first + count < len(texts) and _wide(texts[first : first + count + 1]) <= room:
            count += 1
        table = Table("metric", title="metrics", title_justify="left")
        for number in range(first + 1, first + count + 1):
            table.add_column(str(number), justify="right", no_wrap=True)
        for place, name in enumerate(names):
            table.add_row(plain(name), *(plain(column[place]) for column in texts[first : first + count]))
        yield table
        first += count


def _wide(columns: Sequence[Sequence[str]]) -> int:
    return sum(GAP + max(map(len, column)) for column in columns)


def _size(row: Row) -> tuple[str, str]:
    speed, parameters = row.images_per_second, row.parameters
    return "" if speed is None else f"{speed:,.0f}", "" if parameters is None else f"{parameters:,}"
