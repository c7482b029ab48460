"""Which files below a folder are pictures."""

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from genctl.data.image_files import SUFFIXES, is_picture
from genctl.data.locations import shown
from genctl.errors import UserError


class Listing(NamedTuple):
    """Image files by their names relative to a folder, in order; and how many others there are, by their suffix."""

    pictures: list[str]
    others: Counter[str]


def image_files(root: Path) -> Listing:
    """Find image files below a folder; hidden ones do not count, and links to folders are followed.

    Files whose suffix is none of an image file are looked into.
    """
    seen: set[tuple[int, int]] = set()
    waiting, pictures, others = [""], [], Counter[str]()
    while waiting:
        below = waiting.pop()
        identity, entries = _entries(root / below)
        if identity in seen:  # a link that leads back up
            continue
        seen.add(identity)
        for name, is_folder in entries:
            suffix = Path(name).suffix.lower()
            if is_folder:
                waiting.append(f"{below}{name}/")
            elif suffix in SUFFIXES or is_picture(root / below / name):
                pictures.append(below + name)
            else:
                others[shown(suffix)] += 1
    return Listing(sorted(pictures), others)


def _entries(folder: Path) -> tuple[tuple[int, int], list[tuple[str, bool]]]:
    """What a folder is, wherever links lead to it from, and its entries in order: their names, whether folders."""

    def is_folder(entry: "os.DirEntry[str]") -> bool:
        try:
            return entry.is_dir()
        except OSError:  # a link in a circle, or one into a folder that cannot be read
            return False

    try:
        with os.scandir(folder) as entries:
            named = sorted((entry.name, is_folder(entry)) for entry in entries if not entry.name.startswith("."))
        state = folder.stat()
    except OSError as error:
        raise UserError(f"The folder {shown(folder)} cannot be read ({error.strerror}): make it readable.") from error
    return (state.st_dev, state.st_ino), named
