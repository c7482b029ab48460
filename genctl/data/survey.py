"""What a folder of image files is like, from their headers alone, and what becomes of its pictures."""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.compute.cores import cores
from genctl.data.bars import progress_bar
from genctl.data.image_files import Look, Shape, look


@dataclasses.dataclass(frozen=True)
class Survey:
    """Counts of files, and sizes (height, width) of upright pictures.

    coloured: files in colour. several: files that hold several pictures. deep: files of more than 8 bits a pixel, whose
    numbers are of `dtype`. smallest, largest: by their area. enlarged: files whose pictures become larger.
    cut: the mean share of a picture that is cut off, and the largest.
    """

    files: int
    coloured: int
    several: int
    deep: int
    dtype: str
    smallest: tuple[int, int]
    largest: tuple[int, int]
    enlarged: int
    cut: tuple[float, float]


def looks(files: Sequence[Path]) -> list[Look | None]:
    """The headers of files in order, read in parallel; None for those that cannot be read."""
    with (
        ThreadPoolExecutor(cores()) as pool,
        progress_bar("Looking at images", len(files), MofNCompleteColumn()) as advance,
    ):
        seen = []
        for one in pool.map(look, files):
            seen.append(one)
            advance(1)
        return seen


def survey(looked: Sequence[Look | None], shape: Shape) -> Survey:
    """Sum up the headers of files whose pictures become `shape`."""
    seen = [one for one in looked if one is not None]
    sizes = sorted(((one.height, one.width) for one in seen), key=lambda size: size[0] * size[1]) or [(0, 0)]
    deep = [one.dtype for one in seen if one.dtype != "uint8"]
    cuts = [_cut(one, shape) for one in seen] or [0.0]
    return Survey(
        files=len(seen),
        coloured=sum(one.colour for one in seen),
        several=sum(one.pictures > 1 for one in seen),
        deep=len(deep),
        dtype=str(np.result_type(*deep)) if deep else "uint8",
        smallest=sizes[0],
        largest=sizes[-1],
        enlarged=sum(one.height < shape.height or one.width < shape.width for one in seen),
        cut=(float(np.mean(cuts)), max(cuts)),
    )


def _cut(one: Look, shape: Shape) -> float:
    """The share of a picture that a centre crop to the proportions of `shape` takes away."""
    proportions = [one.width * shape.height, one.height * shape.width]
    return 1 - min(proportions) / max(proportions)


def size_line(about: Survey, shape: Shape) -> str:
    """One line: how large the pictures are, what is cut off, and how many are enlarged."""
    small, large = (f"{width}x{height}" for height, width in (about.smallest, about.largest))
    text = f"{small if small == large else f'{small} to {large}'} pixels (width x height)"
    if (about.smallest, about.largest) == ((shape.height, shape.width),) * 2:
        return f"{text}, as they are"
    text += f" are resized to {shape.width}x{shape.height} ({shape.interpolation})"
    if about.cut[1] >= 0.005:
        text += f"; at their sides {about.cut[0]:.0%} is cut off on average, {about.cut[1]:.0%} at most"
    if about.enlarged:
        text += f"; {about.enlarged:,} of {about.files:,} are enlarged"
    return f"{text}; dataset.image_size=[height,width] sets another"


def channels_line(about: Survey, channels: int, given: bool) -> str:
    """One line: how many pictures are in colour, and what all of them become."""
    become = "become grey" if channels == 1 else "become coloured"
    mixed = f"{about.coloured:,} of {about.files:,} files are in colour"
    wanted = f"dataset.channels={channels}"
    if given:
        return f"{channels}, as {wanted} says: {mixed}"
    if about.coloured in (0, about.files):
        return f"{channels}, as {'none' if not about.coloured else 'each'} of {about.files:,} files is in colour"
    return f"{channels}: {mixed}, the others {become}; dataset.channels=1 makes all grey"
