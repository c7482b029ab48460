"""TensorBoard event files, written through TensorBoard's own writer."""

import time
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from genctl.runs.grids import png


class Board:
    """One event file for training and one for validation, so that TensorBoard draws their curves over each other.

    begins: what was written there before, beyond the step that this begins at, is to be dropped.
    """

    def __init__(self, directory: Path, begins: bool = True) -> None:
        self._directory, self._begins = directory, begins
        self._writers: dict[str, EventFileWriter] = {}
        self._first_step = 0

    def begin(self, step: int) -> None:
        """Say that what follows comes after `step`, so that TensorBoard drops what a killed process wrote beyond it."""
        self.close()
        self._writers.clear()
        self._first_step = step

    def scalars(self, split: str, step: int, values: Mapping[str, float]) -> None:
        """Write numbers by name."""
        for name, value in values.items():
            self._write(split, step, scalar_pb(name, value))

    def image(self, name: str, step: int, picture: Image.Image) -> None:
        """Write one picture."""
        encoded = Summary.Image(
            height=picture.height, width=picture.width, colorspace=3, encoded_image_string=png(picture)
        )
        self._write("train", step, Summary(value=[Summary.Value(tag=name, image=encoded)]))

    def text(self, name: str, text: str) -> None:
        """Write a text in Markdown."""
        self._write("train", self._first_step, text_pb(name, text))

    def flush(self) -> None:
        """Let readers see what was written."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Write what is pending."""
        for writer in self._writers.values():
            writer.close()

    def _write(self, split: str, step: int, summary: Summary) -> None:
        if split not in self._writers:
            self._writers[split] = EventFileWriter(str(self._directory / split))
            if self._begins:
                self._start(split)
        self._writers[split].add_event(Event(step=step, summary=summary, wall_time=time.time()))

    def _start(self, split: str) -> None:
        start = SessionLog(status=SessionLog.START)
        self._writers[split].add_event(Event(step=self._first_step + 1, session_log=start, wall_time=time.time()))
