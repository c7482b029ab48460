"""How far training is: a live bar on a terminal, plain lines elsewhere."""

import logging
import time
from typing import TYPE_CHECKING

import rich.console
import rich.progress

if TYPE_CHECKING:
    from genctl.training.run import Run

LINE_SECONDS = 5.0  # between two plain lines
log = logging.getLogger("genctl")


class Progress:
    """Use as a context; call it with the run after each portion of steps."""

    def __init__(self, console: rich.console.Console, total: int, step: int) -> None:
        self._live = console.is_terminal
        self._last_line = time.monotonic()
        column = rich.progress.TextColumn
        self._bar = rich.progress.Progress(
            column("{task.fields[phase]}"),
            rich.progress.BarColumn(bar_width=20),
            column("{task.completed}/{task.total}"),
            column("{task.fields[losses]}", style="cyan"),
            column("{task.fields[speed]}"),
            rich.progress.TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._task = self._bar.add_task("train", total=total, completed=step, phase="compiling", losses="", speed="")

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
            left = f", {(run.total - run.step) / rate:.0f} s left" if rate else ""
            log.info("%s %d/%d  %s  %s%s", run.phase_done, run.step, run.total, losses(run), speed, left)


def losses(run: "Run") -> str:
    """The newest training losses in a few words."""
    other = ("accuracy", "diversity", "gradient_norm", "learning_rate")
    shown = [item for item in run.latest.get("train", {}).items() if not any(word in item[0] for word in other)]
    return "  ".join(f"{name.removesuffix('/loss')} {value:.4g}" for name, value in shown[:4])
