"""Errors that a user can mend, and the help that goes with them."""

import difflib
from collections.abc import Iterable, Sequence


class UserError(Exception):
    """A mistake outside the code: shown as one message without a traceback; the process exits with 1.

    The message names the thing, shows what it got and says what to do.
    """


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of `choices`, or "" where none is near."""
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def first_few(names: Sequence[str], shown: int = 3) -> str:
    """List the first names and count the rest: "a, b, c and 7 more"."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, or its kind where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class Unsuited(UserError):
    """A metric cannot be had of this run or these data; passed over where it was not asked for by name."""


class NonFinite(UserError):
    """A loss or a weight became infinite or not a number."""


class Stopped(Exception):
    """The run was asked to stop and has saved its state; the process exits with 75. The message says how to go on."""


class Pruned(Exception):
    """The run was given up and has saved its state, since others of its sweep were better at the same step."""
