"""Checks in processes of their own, which may crash without an end of the doctor."""

from collections.abc import Callable, Sequence
from pathlib import Path

from genctl.errors import UserError, first_line
from genctl.sweeps.slots import slots, start
from genctl.sweeps.states import reason

MOST_SECONDS = 300.0


def problem(function: Callable[[Sequence[str]], int], words: Sequence[str], messages: Path) -> str | None:
    """Call a function of words, which returns an exit status; what went wrong with it, or None.

    messages: the file that takes what it prints.
    """
    try:
        process = start(function, words, slots(1)[0], messages)
    except UserError as error:
        return str(error)
    except (EOFError, OSError) as error:  # the process that TensorFlow is imported in has crashed
        return f"no process with TensorFlow can be started ({first_line(error)})"
    try:
        process.join(MOST_SECONDS)
        if process.exitcode is None:
            return f"it takes longer than {MOST_SECONDS:.0f} s"
    finally:
        process.kill()
        process.join()
    if not process.exitcode:
        return None
    said = [line for line in messages.read_text(errors="replace").splitlines() if line.strip()]
    return said[-1].removeprefix("error: ") if process.exitcode > 0 and said else reason(process.exitcode, messages)
