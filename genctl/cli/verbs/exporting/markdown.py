"""Text that may come from strangers in a Markdown file, where it is shown as the text that it is."""

import re
from collections.abc import Iterable, Sequence

from genctl.data.locations import shown

# All that is markup in some Markdown: of HTML, code, emphasis, links and their bare addresses, headings, tables and
# formulas. An underscore between letters is none, and names of metrics have many.
_MARKUP = re.compile(r"[&<>`*\[\]()#|~!\\:@$]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.", re.IGNORECASE)


def text(name: str) -> str:
    """A name as part of a line; one that is long is cut in its middle."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", shown(name)) if name else "(empty)"


def fenced(content: str, language: str) -> list[str]:
    """A block of code, whose fence is longer than any in the content."""
    longest = max(map(len, re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, content, fence, ""]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already."""
    return [_row(columns), _row(["---"] * len(columns)), *map(_row, rows), ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
