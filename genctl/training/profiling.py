"""A TensorFlow profile of some steps, for TensorBoard's profile page."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType


class Profile(contextlib.AbstractContextManager["Profile"]):
    """Use as a context; call it with the step before each call of the engine. Steps [first, last) are profiled."""

    def __init__(self, steps: Sequence[int] | None, directory: Path) -> None:
        self.steps = steps or ()
        self._directory, self._running = directory, False

    def __call__(self, step: int) -> None:
        """Start or stop where `step` says so."""
        import tensorflow as tf

        inside = bool(self.steps) and self.steps[0] <= step < self.steps[1]
        if inside and not self._running:
            tf.profiler.experimental.start(str(self._directory))
        if self._running and not inside:
            tf.profiler.experimental.stop()
        self._running = inside

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self(self.steps[1] if self.steps else 0)
