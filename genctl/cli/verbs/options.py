"""What verbs that use a trained run share: the types of their settings, and the bar of long work."""

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, TypedDict, TypeVar

from pydantic import Field, NonNegativeInt
from rich import get_console
from rich.progress import track

from genctl.config.moved import MovedData
from genctl.data.examples import SplitName

CheckpointOption = str | NonNegativeInt  # latest, best, or a step
FrameCount = Annotated[int, Field(ge=2, le=1000)]  # images in a row
LabelOption = str | list[str] | None  # one class for all, or several in turn, by name or number
PathOption = str | list[str] | None  # a folder, an .npz, image files
Item = TypeVar("Item")
SHORT = 4  # items, for which a bar would only flicker


class OnImages(TypedDict):
    """What verbs take that work on images of a run's data set, or of a user's own."""

    run: str
    path: PathOption
    split: SplitName | None
    dataset: MovedData
    label: LabelOption
    out: str | None
    checkpoint: CheckpointOption


def bar(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Pass so many items on, with a bar on a terminal."""
    hidden = total < SHORT or not get_console().is_terminal
    return iter(track(items, what, total, transient=True, disable=hidden))


def progress(batches: Iterable[Item], what: str, examples: int) -> Iterator[Item]:
    """Pass the batches of so many examples on, with a bar on a terminal."""
    from genctl.runs.sampler import BATCH  # it brings TensorFlow

    return bar(batches, what, math.ceil(examples / BATCH))
