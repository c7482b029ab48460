"""A user's own image files, below one folder."""

import dataclasses
import hashlib
import logging
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from genctl.compute.memory import amount, require_memory
from genctl.data.cache import cache_path, made_once
from genctl.data.examples import Examples, Source
from genctl.data.image_files import Frames, Interpolation, Shape
from genctl.data.layout import SPLITS, Labels, Layout, arrange
from genctl.data.listing import Listing, image_files
from genctl.data.locations import given_path, shown
from genctl.data.pack import BadFiles, Description, memory, pack, unpack
from genctl.data.ranges import GivenRange, Known, Range, checked, described, found_range
from genctl.data.spec import Spec, dtype_name
from genctl.data.storage import stored
from genctl.data.survey import channels_line, looks, size_line
from genctl.errors import UserError, first_few

_PACK_VERSION = 3

Side = Annotated[int, Field(gt=0)]
Channels = Literal[1, 3] | None


class Wanted(NamedTuple):
    """How pictures are read; see `load`."""

    height: int
    width: int
    channels: Channels
    interpolation: Interpolation = "lanczos"
    frames: Frames = "first"
    skip_bad: bool = False


def load_folder(
    path: str | None,
    image_size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)],
    channels: Channels,
    interpolation: Interpolation,
    range: GivenRange | None,
    frames: Frames,
    labels: Labels,
    skip_bad: bool,
) -> Source:
    """Load every image file below a folder as (n, h, w, c), packed once into a memory-mapped file in the cache.

    image_size: pixels of a side, or [height, width]; pictures are resized by `interpolation` and centre-cropped to it.
    channels: 1 or 3; None: 3 if any picture is in colour. range: the numbers of black and white; None: see ranges.py.
    frames: which pictures of a file that holds several. labels: what is a class; see layout.py. skip_bad: leave out
    files that cannot be read. Raises UserError where the folder, a file of it or the cache is not usable.
    """
    height, width = image_size if isinstance(image_size, list) else (image_size, image_size)
    wanted = Wanted(height, width, channels, interpolation, frames, skip_bad)
    given = None if range is None else checked(range, "dataset.range")
    return read(given_path(path, "folder", "photos/"), wanted, labels, given)


def read(
    root: Path, wanted: Wanted, labels: Labels = "auto", given: Range | None = None, known: Known | None = None
) -> Source:
    """Load a folder as `load` does; given: the range of its numbers. known: of data that they belong to.

    Raises UserError for what holds no images.
    """
    if not root.is_dir():
        raise UserError(f"dataset.path={shown(root)} is no folder: name one of images, or use dataset=npz for a .npz.")
    listing = image_files(root)
    if not listing.pictures:
        kinds = ".jpg, .png, .tif, .webp or another that docs/data.md names"
        raise UserError(f"dataset.path={shown(root)} has no images in it or below it: such as files ending in {kinds}.")
    layout = arrange(listing.pictures, labels)
    names = [listing.pictures[place] for place in layout.places]
    images, packed = _packed(root, names, wanted)
    if packed.bad:
        text = "%s. They are left out (dataset.skip_bad=true)."
        logging.getLogger("genctl").warning(text, _count_bad(names, packed.bad))
    numbers, name = packed.numbers, f"{shown(root)}: the images"
    ends = found_range(name, [numbers], given, known)[0]
    spec = Spec(
        shown(root.resolve().name) or "folder",
        images.shape[1:],
        tuple(map(shown, sorted(set(layout.labels or ())))),
        *(known.ends if known else ends),
        dtype=dtype_name(known.dtype if known else numbers.dtype),
        interpolation=wanted.interpolation,
        decided=_decided(listing, layout, packed, images.shape[1:], wanted)
        | {"range": described(numbers, ends, "dataset.range" if given else "", known)},
    )
    source = _divided(spec, stored(name, [(images, ends)], spec.known.ends)[0], names, layout, packed.counts)
    left_out = {shown(names[position]): reason for position, reason in packed.bad.items()}
    return dataclasses.replace(source, left_out=left_out, survey=packed.survey)


def _divided(spec: Spec, images: np.ndarray, names: Sequence[str], layout: Layout, counts: Sequence[int]) -> Source:
    """The pictures by split, with the names of their files; they lie in the order of the splits."""
    files = np.repeat(np.array(names, object), counts)
    splits = np.repeat(layout.splits, counts)
    labels = None
    if layout.labels is not None:
        labels = np.repeat(np.unique(layout.labels, return_inverse=True)[1].astype(np.int32), counts)
    by_split = {}
    for split in dict.fromkeys(SPLITS.values()):
        places = np.flatnonzero(splits == split)
        if len(places):
            rows = slice(places[0], places[-1] + 1)
            by_split[split] = Examples(images[rows], None if labels is None else labels[rows], files[rows])
    if "train" not in by_split:
        raise UserError(f"'{spec.name}': none of the pictures of its training split can be read: mend them.")
    return Source(spec, by_split["train"], by_split.get("test"), by_split.get("validation"))


def _decided(
    listing: Listing, layout: Layout, packed: Description, shape: tuple[int, ...], wanted: Wanted
) -> dict[str, str]:
    """What is said of the files, their sizes, channels, classes and splits."""
    height, width, channels = shape
    seen, others = packed.survey, listing.others
    files = f"{len(packed.counts):,} image files hold {sum(packed.counts):,} pictures"
    if seen.several and wanted.frames == "first":
        files += f"; of {seen.several:,} with several pictures the first is taken (dataset.frames=all takes all)"
    if others:
        kinds = [f"{count:,} {suffix or 'without a suffix'}" for suffix, count in others.most_common()]
        files += f"; left out as no pictures: {first_few(kinds)}"
    if packed.bad:
        files += f"; left out as they cannot be read: {len(packed.bad):,}"
    resized = Shape(height, width, channels, wanted.interpolation)
    size = {"size": size_line(seen, resized), "channels": channels_line(seen, channels, wanted.channels is not None)}
    return {"files": files} | size | layout.decided


def _packed(root: Path, names: Sequence[str], wanted: Wanted) -> tuple[np.ndarray, Description]:
    """The pictures of a folder, from the cache where it was packed before as it is now."""
    size = f"dataset.image_size=[{wanted.height}, {wanted.width}]"
    largest = Shape(wanted.height, wanted.width, wanted.channels or 3, wanted.interpolation)
    require_memory(f"Reading images with {size}", memory(largest), "make it smaller.")
    key = _key(root, names, wanted)

    def make(part: Path) -> None:
        files = [root / name for name in names]
        seen = looks(files)
        colour = any(one is not None and one.colour for one in seen)
        shape = largest._replace(channels=wanted.channels or (3 if colour else 1))
        pictures = sum(one.pictures if one and wanted.frames == "all" else 1 for one in seen)
        deep = any(one is not None and one.dtype != "uint8" for one in seen)
        _require_disk(part.parent, pictures * math.prod(shape[:3]) * (4 if deep else 1), size)
        _refuse(names, pack(files, seen, shape, wanted.frames, part).bad, wanted.skip_bad)
        if _key(root, names, wanted) != key:
            raise UserError(f"{shown(root)} changed while its images were read: try again when nothing writes there.")

    images, description = unpack(made_once(cache_path("folders", key), make), len(names))
    _refuse(names, description.bad, wanted.skip_bad)
    return images, description


def _key(root: Path, names: Sequence[str], wanted: Wanted) -> str:
    """Name the pack of these files as they are now, under these settings."""
    settings = tuple(wanted._replace(skip_bad=False))  # of a pack with bad files is told when it is read
    digest = hashlib.sha256(repr((_PACK_VERSION, str(root.resolve()), settings)).encode())
    for name in names:
        digest.update(repr((name, _state(root / name))).encode())
    return digest.hexdigest()[:32]


def _state(file: Path) -> tuple[int, ...] | None:
    """All that tells a file from what it was before and from others, but its bytes; None: a link to nothing.

    Archives restore names, sizes and times of change, but neither the time of creation nor the place on the disk.
    """
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _require_disk(folder: Path, count: int, size: str) -> None:
    free = shutil.disk_usage(folder).free
    if count > free:
        raise UserError(
            f"The images with {size} take {amount(count)}, but {amount(free)} are free in {folder}: make it smaller, "
            "or set XDG_CACHE_HOME to a directory on another disk."
        )


def _refuse(names: Sequence[str], bad: BadFiles, skip_bad: bool) -> None:
    if not bad or (skip_bad and len(bad) < len(names)):
        return
    cure = "Mend them." if len(bad) == len(names) else "Mend or remove them, or set dataset.skip_bad=true."
    raise UserError(f"{_count_bad(names, bad)}. {cure}")


def _count_bad(names: Sequence[str], bad: BadFiles) -> str:
    few = first_few([f"{shown(names[position])} ({reason})" for position, reason in bad.items()])
    return f"{len(bad)} of {len(names)} image files cannot be read: {few}"
