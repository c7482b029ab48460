"""Failures of Keras and TensorFlow, told in one line."""

import contextlib
import re
from collections.abc import Callable, Iterator

import tensorflow as tf

from genctl.compute.parallel import LOST, several_processes
from genctl.errors import UserError

# Lines that lead to the one which says what is wrong; what stands at the start of that one; and how it looks where the
# lines of code that led to it stand before it.
_SURROUNDINGS = re.compile(
    r"exception encountered when calling|graph execution error|detected at node|arguments received|file \"|"
    r"<stack traces|node: |traceback|.*\(most recent call last\)",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"^((\w+\.)*UserError: |\d+ root error\(s\) found\.?|\(\d+\) )+")
_RAISED = re.compile(r"(?m)^\s*(?:\w+\.)*\w+Error: (.+)$")


def reason(error: BaseException) -> str:
    """The line that says what is wrong, or the kind of error where none does."""
    text = re.sub(r"\x1b\[[0-9;]*m|\{\{[^}]*\}\}", "", str(error))
    if text.startswith("in user code") and (raised := _RAISED.findall(text)):
        return raised[-1].rstrip(".")
    lines = [_ORIGIN.sub("", line.strip()) for line in text.splitlines()]
    said = [line for line in lines if line and not _SURROUNDINGS.match(line)]
    return said[0].rstrip(".") if said else type(error).__name__


@contextlib.contextmanager
def explained(doing: str, sizes: Callable[[], str], advice: str = "") -> Iterator[None]:
    """Within the block, which computes with the networks of a run, a failure is a UserError.

    The loss of another process stays what it is. doing: what is computed, as the start of a sentence. sizes: says what
    takes memory and how to take less. advice: what helps, where it is not the memory that lacks.
    """
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise UserError(f"{doing} needs more memory than there is: {sizes()}") from error
    except (tf.errors.OpError, ValueError, TypeError, LookupError, NotImplementedError) as error:
        if isinstance(error, LOST) and several_processes():
            raise
        raise UserError(f"{doing} cannot be computed: {reason(error)}.{advice}") from error
