"""What a shell may have closed, filled or removed under a command: its standard streams and its working directory."""

import os
import signal
import sys
from pathlib import Path

from genctl.errors import UserError

BROKEN = 128 + signal.SIGPIPE  # the status of a command whose reader, such as `head`, has had enough


def open_standard() -> None:
    """Open those of the three standard streams that are closed, so that no file of a run takes their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text that can be encoded


def require_directory() -> None:
    """Raise UserError where the working directory was removed."""
    try:
        Path.cwd()
    except OSError as error:
        raise UserError("the working directory is gone: change to one that is there with cd.") from error


def flush(status: int) -> int:
    """Write what is left of the output; return the command's exit status, which tells whether that was possible."""
    try:
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        status = BROKEN
    except OSError as error:
        if status == 0:
            print(f"error: the output cannot be written: {error.strerror}.", file=sys.stderr)
        status = status or 1
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter's own flush at the end must not complain again
    return status
