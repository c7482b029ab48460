"""Numbers as a table for people."""

from collections.abc import Mapping, Sequence
from typing import Literal

from rich.markup import escape
from rich.table import Table

from genctl.metrics.base import Number

COLUMNS: dict[str, Literal["left", "right"]] = {
    "metric": "left",
    "value": "right",
    "floor": "right",
    "protocol": "left",
}


def table(title: str, numbers: Sequence[Number]) -> Table:
    """One row a number. What its protocol has of its own stands at the first of several; what all share, below."""
    protocols = [{name: str(setting) for name, setting in number.protocol.items()} for number in numbers]
    shared = dict(set.intersection(*(set(protocol.items()) for protocol in protocols)))
    rows = Table(title=escape(title), caption_justify="left")
    rows.caption = escape(_words({name: text for name, text in protocols[0].items() if name in shared}))
    for name, justify in COLUMNS.items():
        rows.add_column(name, justify=justify, no_wrap=name != "protocol")
    before = None
    for number, protocol in zip(numbers, protocols, strict=True):
        own = _words({name: text for name, text in protocol.items() if name not in shared})
        if before not in (None, own):
            rows.add_section()
        floor = "" if number.floor is None else f"{number.floor:.4g}"
        rows.add_row(number.metric, value(number), floor, "" if own == before else escape(own))
        before = own
    return rows


def value(number: Number) -> str:
    """The value with its standard error and unit, such as "12.3 ± 0.4 nats"."""
    error = "" if number.error is None else f" ± {number.error:.2g}"
    return f"{number.value:.4g}{error}" + ("" if number.unit == "1" else f" {number.unit}")


def _words(protocol: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in protocol.items())
