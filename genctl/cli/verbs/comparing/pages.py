"""A comparison as JSON, as CSV, and as a page with pictures that needs no other file."""

import base64
import html
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from genctl.cli.verbs.comparing.columns import Comparison, Row
from genctl.cli.verbs.comparing.tables import heading, protocols, shown, words
from genctl.data.image_files import opened
from genctl.errors import UserError
from genctl.runs.grids import png

THUMBNAIL = 240  # pixels of a picture's longer side at most
STYLE = """body { font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse } th, td { padding: .4em .8em; border-bottom: 1px solid #ccc; text-align: right }
th:nth-child(-n+3), td:nth-child(-n+3) { text-align: left } th { position: sticky; top: 0; background: #fff }
img { image-rendering: pixelated; display: block } td { vertical-align: top } small { color: #666 }"""


def as_json(compared: Comparison) -> str:
    """Columns with their protocols in full, and rows; what is not known is null."""
    columns = [
        {"name": c.name, "metric": c.metric, "unit": c.unit, "better": c.better, "protocol": dict(c.protocol)}
        for c in compared.columns
    ]
    rows = [
        {
            "runs": [str(run.directory) for run in row.runs],
            "settings": dict(row.settings),
            "status": row.status,
            "images_per_second": row.images_per_second,
            "parameters": row.parameters,
            "metrics": {
                name: {"mean": cell.mean, "spread": cell.spread, "runs": cell.count} for name, cell in row.cells.items()
            },
        }
        for row in compared.rows
    ]
    return json.dumps({"sorted_by": compared.sorted_by, "columns": columns, "rows": rows}, indent=2) + "\n"


def as_csv(compared: Comparison) -> str:
    """One line a row; of each metric the mean, the spread and the number of runs."""
    lines = []
    for row in compared.rows:
        own = {"run": row.runs[0].directory, "runs": len(row.runs), "settings": words(row.settings)}
        own |= {"status": row.status, "images_per_second": row.images_per_second, "parameters": row.parameters}
        for column in compared.columns:
            cell = row.cells.get(column.name)
            values = (cell.mean, cell.spread, cell.count) if cell else (None, None, None)
            own |= {f"{column.name}{part}": value for part, value in zip(("", " spread", " runs"), values, strict=True)}
        lines.append(own)
    return pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n")


def as_html(compared: Comparison) -> str:
    """A page of its own: the pictures are in it, and every value is escaped."""
    lines = []
    for row in compared.rows:
        size = [f"{value:,.0f}" if value is not None else "" for value in (row.images_per_second, row.parameters)]
        texts = [row.status, *size, *(shown(row.cells.get(column.name)) for column in compared.columns)]
        differs = f"{html.escape(words(row.settings))}<br><small>{html.escape(row.repeats)}</small>"
        lines.append([html.escape(row.name), differs, _thumbnail(row), *map(html.escape, texts)])
    heads = ["run", "differs in", "samples", "status", "images/s", "parameters", *map(heading, compared.columns)]
    table = pd.DataFrame(lines, columns=pd.Index([html.escape(head) for head in heads]))
    with pd.option_context("display.max_colwidth", None):
        body = table.to_html(index=False, escape=False, border=0, justify="left")
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in protocols(compared.columns))
    head = f'<meta charset="utf-8"><title>genctl compare</title><style>{STYLE}</style>'
    body = f"<h1>Runs</h1>\n{body}\n<ul>{notes}</ul>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _thumbnail(row: Row) -> str:
    """The newest picture of the first run's samples, made smaller, as an element of the page."""
    pictures = sorted((row.runs[0].directory / "samples").glob("*samples-*.png"))
    if not pictures:
        return ""
    try:
        with opened(pictures[-1]) as picture:
            picture.thumbnail((THUMBNAIL, THUMBNAIL))
            data = base64.b64encode(png(picture)).decode()
    except (OSError, ValueError, SyntaxError) as error:  # as Pillow's readers have it
        raise UserError(f"{pictures[-1]} cannot be read: {error}.") from error
    return f'<img alt="samples" src="data:image/png;base64,{data}">'


FORMATS: Mapping[str, Callable[[Comparison], str]] = {"json": as_json, "csv": as_csv, "html": as_html}


def write(compared: Comparison, format: str, path: Path) -> None:
    """Write the comparison to a file."""
    path.write_text(FORMATS[format](compared), encoding="utf-8")
