"""Text from files, made fit for a terminal."""

import re

from rich.text import Text

# All that a terminal may take for a command, that changes the order of what is shown, or that is no text at all:
# Unicode's category Cc but for line breaks and tabs, its marks of direction, and halves of characters.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with each character that a terminal would obey written as its escape, such as \\x1b."""
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain(text: str) -> Text:
    """Text that may come from a run, shown as it is: neither as rich's markup nor as commands for the terminal."""
    return Text(printable(text))
