"""What the folders of a data set mean: splits, classes or neither."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from genctl.data.locations import shown
from genctl.errors import UserError, first_few

Labels = Literal["auto", "folders", "none"]
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
_ORDER = ("train", "validation", "test")
_PART = re.compile(r"(shard|part|chunk|batch)[-_ ]?\d+", re.IGNORECASE)


class _File(NamedTuple):
    """A file by its place in the list, and the folders and the name that are still to be read of its path."""

    place: int
    split: str
    path: tuple[str, ...]

    def below(self, folders: int = 1, split: str | None = None) -> "_File":
        """The file without the first folders of its path."""
        return _File(self.place, split or self.split, self.path[folders:])


@dataclasses.dataclass(frozen=True)
class Layout:
    """Which files are taken for which split, and their classes.

    places: of the files in the list, those of train first, then of validation, then of test. splits: the split of each
    of these. labels: the name of the class of each, or None. decided: what was decided, by what it is about.
    """

    places: list[int]
    splits: list[str]
    labels: list[str] | None
    decided: dict[str, str]


def arrange(names: Sequence[str], labels: Labels) -> Layout:
    """Tell splits and classes from the names of files, relative to a folder, with "/" in them.

    A folder that holds all others is looked through. Folders train and val or test are splits. The next ones are the
    classes, unless they are numbered parts, or more files lie beside them than in each. Raises UserError where
    labels=folders finds none.
    """
    decided: dict[str, str] = {}
    files = [_File(place, "train", tuple(name.split("/"))) for place, name in enumerate(names)]
    files = _unwrapped(files, labels)
    if in_splits := _in_splits(files):
        folders = dict.fromkeys(
            shown(files_of) for files_of in sorted({file.path[0] for file in files} & _named(files))
        )
        decided["splits"] = f"by the folders {', '.join(folders)}" + _beside(len(files) - len(in_splits))
        files = _unwrapped(in_splits, labels)
    decided["classes"], classed = _classes(files, labels)
    taken = sorted(classed or files, key=lambda file: (_ORDER.index(file.split), file.place))
    classes = [file.path[0] for file in taken] if classed else None
    return Layout([file.place for file in taken], [file.split for file in taken], classes, decided)


def _named(files: Sequence[_File]) -> set[str]:
    """The first folders whose names are those of splits."""
    return {file.path[0] for file in files if len(file.path) > 1 and file.path[0].lower() in SPLITS}


def _beside(count: int) -> str:
    return f"; {count:,} beside these left out" if count else ""


def _unwrapped(files: Sequence[_File], labels: Labels) -> list[_File]:
    """The files without the folders that all of them lie in; the last one stays where folders must be classes."""
    files, least = list(files), 3 if labels == "folders" else 2
    while all(len(file.path) >= least for file in files) and len({file.path[0] for file in files}) == 1:
        files = [file.below() for file in files]
    return files


def _in_splits(files: Sequence[_File]) -> list[_File]:
    """The files below folders of splits, if train is one of several; none if the folders are no splits."""
    inside = [
        file.below(split=SPLITS[file.path[0].lower()])
        for file in files
        if len(file.path) > 1 and file.path[0].lower() in SPLITS
    ]
    kinds = {file.split for file in inside}
    return inside if "train" in kinds and len(kinds) > 1 else []


def _classes(files: Sequence[_File], labels: Labels) -> tuple[str, list[_File] | None]:
    """What is said of the classes, and the files that lie in folders of classes; None where there are no classes."""
    if labels == "none":
        return "none, as dataset.labels=none says", None
    inside = [file for file in files if len(file.path) > 1]
    folders = sorted({file.path[0] for file in inside})
    stray = len(files) - len(inside)
    if not folders:
        if labels == "folders":
            raise UserError("dataset.labels=folders: no picture lies in a folder of its class: sort them into some.")
        return "none, as the pictures lie in no folders of classes", None
    if labels == "auto" and _are_parts(folders):
        return f"none: {first_few(folders, 3)} are numbered parts; dataset.labels=folders makes them classes", None
    if labels == "auto" and stray * len(folders) >= len(inside):
        return (
            f"none, as {stray:,} of {len(files):,} pictures lie in no folder; dataset.labels=folders takes the others",
            None,
        )
    few = first_few([shown(folder) for folder in folders], 4)
    return f"{len(folders)}, by the folders {few}{_beside(stray)}; dataset.labels=none takes none", inside


def _are_parts(folders: Sequence[str]) -> bool:
    """Whether folders are numbered parts of one set, such as shard-0, or 00000 beside 00001."""
    digits = all(folder.isdigit() for folder in folders) and len({len(folder) for folder in folders}) == 1
    padded = digits and len(folders[0]) > 2 and folders[0].startswith("0")
    return padded or all(_PART.fullmatch(folder) for folder in folders)
