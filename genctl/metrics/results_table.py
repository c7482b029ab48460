"""Numbers as a table for people."""

import string
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from genctl.config.printing import plain
from genctl.metrics.evaluation import Number


def table(title: str, numbers: Sequence[Number]) -> RenderableType:
    """One row a number, with a letter for its protocol; below are the protocols, and first what all of them share."""
    protocols = [{name: str(setting) for name, setting in number.protocol.items()} for number in numbers]
    shared = set.intersection(*(set(protocol.items()) for protocol in protocols))
    own = [_words({name: text for name, text in one.items() if (name, text) not in shared}) for one in protocols]
    letters = dict(zip(filter(None, dict.fromkeys(own)), string.ascii_lowercase, strict=False))
    rows = Table("metric", title=plain(title), title_justify="left")
    for name in ("value", "floor"):
        rows.add_column(name, justify="right")
    rows.add_column("by")
    for number, words in zip(numbers, own, strict=True):
        floor = "" if number.floor is None else f"{number.floor:.4g}"
        rows.add_row(plain(number.metric), plain(value(number)), floor, letters.get(words, ""))
    below = [_words({name: text for name, text in protocols[0].items() if (name, text) in shared})]
    below += [f"{letter}: {words}" for words, letter in letters.items()]
    return Group(rows, *(plain(line) for line in below if line))


def value(number: Number) -> str:
    """The value with its standard error and unit, such as "12.3 ± 0.4 nats"."""
    error = "" if number.error is None else f" ± {number.error:.2g}"
    return f"{number.value:.4g}{error}" + ("" if number.unit == "1" else f" {number.unit}")


def _words(protocol: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in protocol.items())
