"""Files that a verb leaves: arrays in an .npz, and a grid to look at beside it."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.pictures import grid, pairs, png

SHOWN = 256  # images in a grid at most
log = logging.getLogger("genctl")


class Outcome:
    """Where the results of a verb go; a place that cannot be written to is refused before any work."""

    def __init__(self, out: str | None, directory: Path, name: str) -> None:
        self.path = Path(out).expanduser() if out else directory / f"{name}.npz"
        if self.path.suffix != ".npz":
            raise UserError(f"out={out}: give a file that ends in .npz; the picture goes beside it.")
        writable(self.path, "out=FILE.npz")

    def write(self, spec: Spec, samples: Sequence[np.ndarray], originals: Sequence[np.ndarray] = ()) -> None:
        """Write the arrays, joined along their first axis, and for images the grid; say where they are."""
        arrays: dict[str, Any] = {"samples": np.concatenate(samples)}
        if originals:
            arrays["originals"] = np.concatenate(originals)
        aside = self.path.with_suffix(".tmp")
        with aside.open("wb") as file:
            np.savez_compressed(file, **arrays)
        aside.replace(self.path)
        log.info("%s: %s %s", self.path, arrays["samples"].dtype, list(arrays["samples"].shape))
        if spec.is_image:
            shown = {key: array[:SHOWN] for key, array in arrays.items()}
            picture = pairs(shown["originals"], shown["samples"]) if originals else grid(shown["samples"])
            self.path.with_suffix(".png").write_bytes(png(picture))
            log.info("%s", self.path.with_suffix(".png"))


def writable(path: Path, option: str) -> Path:
    """Make the folder of a file and see that it can be written. Raises UserError, which advises the option, if not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".tmp").touch()
        path.with_suffix(".tmp").unlink()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Choose another place with {option}.") from error
    return path
