"""What the terminal shows: our words alone. What libraries write to the error stream goes to the run's log."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import rich.console

from genctl.config.printing import printable
from genctl.errors import UserError

log = logging.getLogger("genctl")


class Output:
    """The console, and the file that takes all the rest."""

    def __init__(self, console: rich.console.Console, chatter: int) -> None:
        self.console = console
        self._chatter = chatter
        self._file: logging.Handler | None = None

    def keep_in(self, path: Path) -> None:
        """Send libraries' chatter, that of the past too, and a copy of our own words to this file."""
        with path.open("ab") as file:
            os.lseek(self._chatter, 0, os.SEEK_SET)
            while chunk := os.read(self._chatter, 2**16):
                file.write(chunk)
            file.flush()
            os.dup2(file.fileno(), 2)
        self._file = logging.FileHandler(path)
        self._file.setFormatter(_Printable("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(self._file)

    def note(self, text: str) -> None:
        """Write to the file alone."""
        if self._file is not None:
            self._file.emit(logging.LogRecord("genctl", logging.ERROR, "", 0, text, None, None))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            log.removeHandler(self._file)
            self._file.close()


class _Printable(logging.Formatter):
    """Messages may quote the files of a stranger's run."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: rich.console.Console) -> None:
        super().__init__()
        self.console = console
        self.failure: OSError | None = None
        self.setFormatter(_Printable())

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        try:
            self.console.print(prefix + self.format(record), markup=False, highlight=False, soft_wrap=True)
        except BrokenPipeError:
            raise
        except OSError as error:  # the disk is full, where the output goes to a file: no work must be lost for that
            self.failure = error


@contextlib.contextmanager
def quiet() -> Iterator[Output]:
    """Within the block, file descriptor 2 goes to a temporary file (see Output.keep_in), and our words to stdout.

    Raises UserError where the output cannot be written.
    """
    console = rich.console.Console()
    handler = _ConsoleHandler(console)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        output = Output(console, chatter.fileno())
        try:
            yield output
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            output.close()
            log.removeHandler(handler)
    if handler.failure:
        raise UserError(f"the output could not be written ({handler.failure.strerror}), but the work was done.")
