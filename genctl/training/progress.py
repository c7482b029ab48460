"""How far training is: a live line on a terminal, plain lines elsewhere."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import rich.console
import rich.progress
from rich.measure import Measurement
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from genctl.training.run import Run

LINE_SECONDS = 5.0  # between two plain lines
MOST_LOSSES = 4  # in a line, however wide
GAP = "  "  # between two of them
BAR = 20  # columns
WIDE = 110  # columns of a terminal from which on there is room for a bar beside the losses
log = logging.getLogger("genctl")


class Progress:
    """Use as a context; call it with the run after each portion of steps.

    Step, phase, time left and speed come first; losses follow as far as the line has room for them.
    """

    def __init__(self, console: rich.console.Console, total: int, step: int) -> None:
        self._console, self._live = console, console.is_terminal
        self._last_line = time.monotonic()
        column = rich.progress.TextColumn
        self._bar = rich.progress.Progress(
            column("{task.completed}/{task.total}"),
            column("{task.fields[phase]}"),
            rich.progress.TimeRemainingColumn(table_column=Column(no_wrap=True)),
            column("{task.fields[speed]}"),
            *([rich.progress.BarColumn(BAR, table_column=Column(no_wrap=True))] if console.width >= WIDE else []),
            _Losses(),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._task = self._bar.add_task("train", total=total, completed=step, phase="compiling", losses=(), speed="")

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def __call__(self, run: "Run") -> None:
        """Show the run as it is now."""
        speed = f"{run.images_per_second:,.0f} images/s" if run.images_per_second else ""
        self._bar.update(self._task, completed=run.step, phase=run.phase_done, losses=losses(run), speed=speed)
        if not self._live and time.monotonic() - self._last_line >= LINE_SECONDS:
            self._last_line = time.monotonic()
            rate = run.images_per_second / run.order.batch_size
            left = f"{(run.total - run.step) / rate:.0f} s left" if rate else ""
            first = GAP.join(filter(None, (f"{run.step}/{run.total}", run.phase_done, left, speed))) + GAP
            log.info("%s", (first + fitting(losses(run), self._console.width - len(first))).rstrip())


class _Losses(rich.progress.ProgressColumn):
    """The losses that fit into what the other columns leave of the line."""

    def render(self, task: rich.progress.Task) -> "_Fitting":
        return _Fitting(task.fields["losses"])


class _Fitting:
    """As many of some texts as there is room for. rich asks how wide they may be, and then says how wide that is."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = parts

    def __rich_measure__(self, console: rich.console.Console, options: rich.console.ConsoleOptions) -> Measurement:
        return Measurement(0, len(GAP.join(self._parts))).with_maximum(options.max_width)

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        yield Text(fitting(self._parts, options.max_width), style="cyan", no_wrap=True)


def fitting(parts: Sequence[str], width: int) -> str:
    """The first texts for which so many columns have room; none is cut."""
    lines = (GAP.join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((line for line in lines if len(line) <= width), "")


def losses(run: "Run") -> list[str]:
    """The newest training losses, each a name and a number; first those that are losses in whole, and no parts."""
    other = ("accuracy", "diversity", "gradient_norm", "learning_rate")
    shown = [item for item in run.latest.get("train", {}).items() if not any(word in item[0] for word in other)]
    shown.sort(key=lambda item: not item[0].endswith("loss"))
    return [f"{name.removesuffix('/loss')} {value:.4g}" for name, value in shown[:MOST_LOSSES]]
