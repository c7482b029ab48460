"""Files that a verb leaves: arrays in an .npz with pictures beside it, or a folder of PNG files."""

import itertools
import logging
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from genctl.config import files
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.runs.grids import as_picture, grid, png, webp

if TYPE_CHECKING:
    from genctl.runs.trained import Trained

SHOWN = 256  # images in a grid at most
log = logging.getLogger("genctl")


class Outcome:
    """Where the results of a verb go; a place that cannot be written to is refused before any work.

    source: what the verb reads, which it must not overwrite. folder: single images may be asked for, with a folder
    for them that ends in "/".
    """

    def __init__(
        self,
        out: str | None,
        directory: Path,
        name: str,
        source: str | Sequence[str] | None = None,
        folder: bool = False,
    ) -> None:
        self.path = files.given(out, "out") if out is not None else directory / f"{name}.npz"
        self.is_folder = folder and bool(out) and str(out).endswith("/")
        if self.path.suffix != ".npz" and not self.is_folder:
            other = ", or a folder for PNG files that ends in /" if folder else "; the picture goes beside it"
            raise UserError(f"out={out}: give a file that ends in .npz{other}.")
        if self.is_folder and self.path.is_dir() and any(self.path.iterdir()):
            raise UserError(f"out={out} holds files already: name a new folder, or empty this one.")
        if isinstance(source, str) and files.given(source, "path").resolve() == self.path.resolve():
            raise UserError(f"path={source} would be overwritten by the result: name another file with out=….")
        writable(self.path / "0.png" if self.is_folder else self.path, "out=…")

    def write(self, **arrays: np.ndarray | None) -> None:
        """Write the arrays that are there; say where they are."""
        self._write({name: array for name, array in arrays.items() if array is not None})

    def stream(self, spec: Spec, batches: Iterable[np.ndarray], count: int, **others: np.ndarray | None) -> None:
        """Write `count` examples in bounded memory: as `samples` beside other arrays and a grid, or as PNG files."""
        if self.is_folder:
            self._write_files(spec, batches)
            return
        first: list[np.ndarray] = []
        self._write({"samples": _Stream(_remembered(batches, first), count), **ranged(spec), **others})
        if spec.is_image:
            self.picture(grid(spec.to_bytes(np.concatenate(first)[:SHOWN])))

    def write_films(self, run: "Trained", codes: np.ndarray, labels: np.ndarray, **others: np.ndarray | None) -> None:
        """Decode codes (n, frames, d) with the weights of their classes (n, frames, label_dim), and write the images.

        They go into `samples` (n, frames, …) beside `codes` and the others; the rows are a PNG, and the frames a WebP.
        """
        from genctl.runs.sampler import batches

        rows = codes.shape[0] * codes.shape[1]
        flat = [array.reshape(rows, array.shape[-1]).astype(np.float32) for array in (codes, labels)]
        images = np.concatenate(list(run.images(batches(*flat))))
        films = images.reshape(*codes.shape[:2], *run.spec.image_shape)
        self.write(samples=films, codes=codes.astype(np.float32), **ranged(run.spec), **others)
        if run.spec.is_image:
            films = run.spec.to_bytes(films)
            self.picture(grid(films.reshape(images.shape), columns=codes.shape[1]))
            self._beside(".webp", webp([grid(films[:, frame]) for frame in range(codes.shape[1])]))

    def picture(self, picture: Image.Image) -> None:
        """Write a PNG beside the arrays."""
        self._beside(".png", png(picture))

    def _beside(self, suffix: str, content: bytes) -> None:
        self.path.with_suffix(suffix).write_bytes(content)
        log.info("%s", self.path.with_suffix(suffix))

    def _write(self, arrays: dict[str, Any]) -> None:
        aside = files.aside(self.path)
        try:
            with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as file:
                for name, array in arrays.items():
                    if array is not None:
                        with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                            _write_array(entry, array)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)
        described = [f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items() if array is not None]
        log.info("%s: %s", self.path, ", ".join(described))

    def _write_files(self, spec: Spec, batches: Iterable[np.ndarray]) -> None:
        if not spec.is_image:
            raise UserError(f"out={self.path}/: this run makes vectors, not images: give a file that ends in .npz.")
        number = -1
        for number, image in enumerate(itertools.chain.from_iterable(map(spec.to_bytes, batches))):
            (self.path / f"{number:07d}.png").write_bytes(png(as_picture(image)))
        log.info("%s: %d PNG files", self.path, number + 1)


class _Stream:
    """An array that comes in batches; its type and shape are known from the first."""

    def __init__(self, batches: Iterator[np.ndarray], count: int) -> None:
        first = next(batches)
        self.dtype, self.shape = first.dtype, (count, *first.shape[1:])
        self.batches = itertools.chain([first], batches)


def _remembered(batches: Iterable[np.ndarray], first: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The batches; those that a grid shows are also put into `first`."""
    for batch in batches:
        if sum(map(len, first)) < SHOWN:
            first.append(batch)
        yield batch


def _write_array(entry: Any, array: "np.ndarray | _Stream") -> None:
    description = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(entry, description)
    for batch in array.batches if isinstance(array, _Stream) else [array]:
        entry.write(np.ascontiguousarray(batch).tobytes())


def ranged(spec: Spec) -> dict[str, np.ndarray]:
    """The array that tells readers of images which numbers are black and white; see data/ranges.py."""
    return {"range": np.asarray(spec.known.ends)} if spec.is_image else {}


def writable(path: Path, option: str) -> Path:
    """Make the folder of a file and see that it can be written. Raises UserError, which advises the option, if not."""
    if path.is_dir() or not path.name:
        raise UserError(f"{path} is a folder, and a file is to be written: name one with {option}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.aside(path).touch()
        files.aside(path).unlink()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Choose another place with {option}.") from error
    return path
