"""Whether a data set is fit to train on: what is wrong with it, and what it is enough for."""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from genctl.data import advice
from genctl.data.dataset import Dataset
from genctl.data.duplicates import KINDS, find_copies
from genctl.data.examples import Split, SplitName
from genctl.data.locations import shown
from genctl.data.prints import take_prints

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")  # the first of several copies is one of training
_DIM = 128  # levels of 256


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something about a data set. name: what; count: of how many examples, files or classes; advice: what to do.

    examples: of each of them `name`, `split`, and what else there is: the `original` of a copy, the `reason`.
    """

    name: str
    count: int
    advice: str
    examples: list[dict[str, str]] = dataclasses.field(default_factory=list)


class Fitness:
    """Looks at all examples of a data set, in bounded memory; those of training come first.

    prints, copies: of all examples, in the order of SPLITS and of the user's files.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        self._splits = [_in_order(dataset.split(name)) for name in SPLITS]
        self._ends = np.cumsum([split.size for split in self._splits])
        self._split_of = np.repeat(np.arange(len(SPLITS)), [split.size for split in self._splits])
        self.prints = take_prints(self._splits, dataset.spec)
        self.copies = find_copies(self.prints)

    @functools.cached_property
    def classes(self) -> dict[str, dict[str, int]]:
        """How many examples of each class each split has, if any; empty without labels."""
        names = self.dataset.spec.class_names
        counts = {}
        for split in self._splits:
            if names and split.size and split.pool.labels is not None:
                numbers = np.bincount(split.pool.labels[split.positions], minlength=len(names))
                counts[split.name] = dict(zip(names, numbers.tolist(), strict=True))
        return counts

    @functools.cached_property
    def levels(self) -> tuple[float, float]:
        """Of pictures the levels of 256 between which the pixels of nearly all lie."""
        return float(np.percentile(self.prints.least, 1)), float(np.percentile(self.prints.most, 99))

    @functools.cached_property
    def findings(self) -> list[Finding]:
        """All that is worth a word, the gravest first; none where the data are fit."""
        return [finding for finding in self._all() if finding.count]

    def needs(self) -> list[advice.Need]:
        """What the data are enough for; copies and blank pictures do not count."""
        different = (self.copies.original < 0) & ~self.copies.blank & (self._split_of == 0)
        smallest = min(self.classes.get("train", {}).values(), default=None)
        return advice.needs(int(different.sum()), self.dataset.sizes["test"], smallest, self.dataset.augment)

    def pairs(self, most: int) -> list[np.ndarray]:
        """Originals, and their near and mirrored copies, some of each kind, as bytes (k, h, w, c) both; or nothing."""
        late = np.concatenate([np.flatnonzero(self.copies.kind == place)[: most // 2] for place in (1, 2)])
        return [self._images(places) for places in (self.copies.original[late], late)] if len(late) else []

    def _all(self) -> Iterator[Finding]:
        copies, left_out = self.copies, self.dataset.left_out
        unread = [{"name": name, "reason": reason} for name, reason in left_out.items()]
        yield Finding("unreadable", len(left_out), advice.UNREADABLE, unread)
        yield self._of("in two splits", self._split_of != self._split_of[copies.first], advice.LEAK)
        yield self._of("copies in another class", self._relabelled(), advice.RELABELLED)
        for place, kind in enumerate(KINDS):
            yield self._of(f"{kind} copies", copies.kind == place, advice.COPIES[kind])
        yield self._of("blank", copies.blank, advice.BLANK)
        about = advice.of_classes(self.classes.get("train", {}))
        if self.dataset.survey:
            about |= advice.of_sizes(self.dataset.survey)
        for name, (count, what) in about.items():
            yield Finding(name, count, what)
        if self.dataset.spec.is_image:
            yield from self._of_pixels()

    def _of_pixels(self) -> Iterator[Finding]:
        count = len(self._split_of)
        colours = self.prints.thumbnails
        grey = colours.shape[-1] == 3 and bool((colours == colours[..., :1]).all())
        yield Finding("grey, but with three channels", count * grey, advice.GREY)
        dim = self.levels[1] - self.levels[0] < _DIM
        yield Finding("within few levels", count * dim, advice.DIM)

    def _relabelled(self) -> np.ndarray:
        """Which examples are copies of one of another class, (n,) bool."""
        parts = [split.pool.labels[split.positions] for split in self._splits if split.pool.labels is not None]
        if sum(map(len, parts)) < len(self._split_of):
            return np.zeros(len(self._split_of), bool)
        labels = np.concatenate(parts)
        return labels != labels[self.copies.first]

    def _of(self, name: str, which: np.ndarray, what_to_do: str) -> Finding:
        """A finding about some examples, (n,) bool."""
        examples = [self._named(place) for place in np.flatnonzero(which).tolist()]
        return Finding(name, len(examples), what_to_do, examples)

    def _named(self, place: int) -> dict[str, str]:
        named = {"name": self.name(place), "split": SPLITS[self._split_of[place]]}
        first = self.copies.first[place]
        if first != place:
            named |= {"original": self.name(first), "original_split": SPLITS[self._split_of[first]]}
        return named

    def name(self, place: int) -> str:
        """What an example was in the user's files: a file, or a place in an array, such as train[17]."""
        split, row = self._at(place)
        position = self._splits[split].positions[row]
        pool = self._splits[split].pool
        if pool.names is not None:
            return shown(pool.names[position])
        return f"{'train' if pool is self._splits[0].pool else SPLITS[split]}[{position}]"

    def _at(self, place: int) -> tuple[int, int]:
        split = int(self._split_of[place])
        return split, int(place - (self._ends[split] - self._splits[split].size))

    def _images(self, places: np.ndarray) -> np.ndarray:
        found = [self._splits[split].take(np.array([row])).images for split, row in map(self._at, places)]
        return self.dataset.spec.to_bytes(np.concatenate(found))


def _in_order(split: Split) -> Split:
    """The same examples as they stand in the user's files, so that the first of several copies is the original."""
    return dataclasses.replace(split, positions=np.sort(split.positions))
