"""Classes by name, by number, and as the weights that networks are given."""

import dataclasses
import math
import re
from collections.abc import Sequence

import numpy as np

from genctl.errors import UserError, did_you_mean

Label = str | int | Sequence[str | int] | np.ndarray | None  # one class for all, or one for each; by name or number


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes of a run's data, in the order of their numbers; conditional: the run's networks are given them."""

    known: tuple[str, ...]
    conditional: bool

    def number(self, label: str | int) -> int:
        """The number of a class given by name, or by number where no class has a number as its name.

        Raises UserError for one that the run does not know.
        """
        name = str(label)
        if not self.conditional:
            raise UserError(f"label={name}: this run is not class-conditional; train one with model.conditional=true.")
        if name in self.known:
            return self.known.index(name)
        by_number = bool(re.fullmatch("0|[1-9][0-9]{,9}", name)) and not any(map(_is_number, self.known))
        if by_number and int(name) < len(self.known):
            return int(name)
        raise UserError(
            f"label={name} is not a class: choose one of {', '.join(self.known)}.{did_you_mean(name, self.known)}"
        )

    def numbers(self, label: Label) -> list[int]:
        """The numbers of one class or several. Raises UserError for a class that the data have not."""
        if np.size(np.asarray(label)) == 0:
            raise UserError("label=[] names no class: name one or several, or leave label out.")
        return [self.number(name) for name in np.atleast_1d(np.asarray(label)).tolist()]

    def of(self, label: Label, count: int) -> np.ndarray:
        """Numbers of the classes of `count` examples, (count,); 0 where the run takes none.

        Raises UserError for labels that do not suit the run.
        """
        if label is None and self.conditional:
            raise UserError("this run is class-conditional: give label=…, one class for all or one for each image.")
        if label is None:
            return np.zeros(count, np.int64)
        numbers = self.numbers(label)
        if len(numbers) not in (1, count):
            raise UserError(f"there are {len(numbers)} labels for {count} examples: give one for all, or one for each.")
        return np.resize(numbers, count)

    def in_turn(self, label: Label, count: int) -> np.ndarray:
        """Numbers of the classes of `count` new examples: those that `label` names in turn, or all."""
        every = range(len(self.known) if self.conditional else 1)
        return np.resize(every if label is None else self.numbers(label), count)

    def names(self, numbers: np.ndarray) -> np.ndarray | None:
        """Names of classes; None where the run takes none."""
        return np.asarray(self.known)[numbers] if self.conditional else None

    def weights(self, numbers: np.ndarray) -> np.ndarray:
        """Classes (n,) as the weights of each, float32 (n, label_dim): 1 for the class, and of width 0 for none."""
        return (numbers[:, None] == np.arange(len(self.known) * self.conditional)).astype(np.float32)


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False
