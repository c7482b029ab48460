"""What verbs that use a trained run share: their settings, and the bar of long work."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from omegaconf import DictConfig
from rich import get_console
from rich.progress import track

from genctl import rundir
from genctl.instantiate import check_value

LabelOption = str | int | list[str | int] | None  # one class for all, or several in turn, by name or number
PathOption = str | list[str] | None  # a folder, an .npz, image files
Item = TypeVar("Item")
SHORT = 4  # items, for which a bar would only flicker


def options(cfg: DictConfig, **types: Any) -> dict[str, Any]:
    """The settings as plain values; those named are checked against their types. Raises UserError for a wrong one."""
    values = rundir.plain(cfg)
    for name, annotation in types.items():
        check_value(values[name], annotation, name)
    return values


def bar(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Pass so many items on, with a bar on a terminal."""
    hidden = total < SHORT or not get_console().is_terminal
    return iter(track(items, what, total, transient=True, disable=hidden))


def progress(batches: Iterable[Item], what: str, examples: int) -> Iterator[Item]:
    """Pass the batches of so many examples on, with a bar on a terminal."""
    from genctl.sampling import BATCH  # it brings TensorFlow

    return bar(batches, what, math.ceil(examples / BATCH))
