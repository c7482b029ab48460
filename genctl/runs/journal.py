"""metrics.jsonl: one line of numbers for each moment that was measured. It holds nothing that depends on the clock."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Journal:
    """A file of lines that is cut back to a checkpoint's length when a run continues."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sealed: int | None = None

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row; floats are kept to 7 digits, which is what float32 holds."""
        short = {key: float(f"{value:.7g}") if isinstance(value, float) else value for key, value in row.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(short) + "\n")

    def size(self) -> int:
        """Bytes so far, or up to the seal, safely on the disk."""
        if self._sealed is not None:
            return self._sealed
        if not self.path.exists():
            return 0
        with self.path.open("ab") as file:
            os.fsync(file.fileno())
        return self.path.stat().st_size

    def seal(self) -> None:
        """What is appended from now on belongs to the end of this process, and a run that continues forgets it."""
        self._sealed = self.size()

    def truncate(self, size: int) -> None:
        """Forget what was written after the file had this size."""
        if self.path.exists():
            os.truncate(self.path, min(size, self.path.stat().st_size))
