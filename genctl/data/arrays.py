"""A user's own arrays: a .npz or .npy file."""

import dataclasses
import logging
from pathlib import Path
from typing import Literal

import numpy as np

from genctl.compute.memory import require_memory
from genctl.data import keys
from genctl.data.examples import Examples, Source
from genctl.data.locations import given_path, shown
from genctl.data.numbers import as_labels, encode_labels, finite_rows, shaped, with_ranges
from genctl.data.numpy_files import array_names, is_npz, map_npy, read_npz
from genctl.data.ranges import GivenRange, Known, Numbers, Range, checked, described, found_range
from genctl.data.spec import Spec, dtype_name
from genctl.data.storage import stored
from genctl.errors import UserError

_RANGE = "range"  # of an .npz: the numbers of black and white, as genctl's own results have it
_SMALLER = "take fewer examples, or smaller ones."


def load_npz(
    path: str | None,
    images_key: str | None,
    labels_key: str | None,
    range: GivenRange | None,
    labels: Literal["auto", "none"],
    skip_bad: bool,
) -> Source:
    """Load images (n, h, w[, c]) or vectors (n, d), labels and further splits from .npz, or images alone from .npy.

    images_key, labels_key: names of arrays; None finds them, see keys.py. range: the numbers of black and white; None:
    the file's own array `range`, or else by the numbers, see ranges.py. labels: none leaves them out. skip_bad: leave
    out examples with NaN or infinite values. Raises UserError where the file does not hold this.
    """
    file = given_path(path, "npz", "images.npz")
    given = None if range is None else checked(range, "dataset.range")
    return read(file, images_key, labels_key, labels == "auto", skip_bad, given)


def read(
    file: Path,
    images_key: str | None = None,
    labels_key: str | None = None,
    with_labels: bool = True,
    skip_bad: bool = False,
    given: Range | None = None,
    known: Known | None = None,
) -> Source:
    """Load a file as `load` does; given: the range of its numbers. known: of data that they belong to.

    Raises UserError for what cannot be read as examples.
    """
    if file.is_dir():
        raise UserError(f"dataset.path={shown(file)} is a folder: name a .npz file, or use dataset=folder for images.")
    parts, own = _read(file, images_key, labels_key, with_labels)
    parts = [_whole(part, skip_bad) for part in parts]
    for part in parts[1:]:
        if part.images.shape[1:] != parts[0].images.shape[1:]:
            raise UserError(
                f"{part.name} has examples of shape {part.images.shape[1:]}, but {parts[0].name} of "
                f"{parts[0].images.shape[1:]}: give both the same shape."
            )
    labels, class_names = encode_labels([part.labels for part in parts])
    spec = Spec(shown(file.stem), parts[0].images.shape[1:], class_names)
    setting = "dataset.range" if given else f"its array '{_RANGE}'" if own else ""
    spec, images = _in_range(spec, parts, given or own, setting, known)
    decided = {**_decided(parts, spec), **spec.decided}
    by_split = {
        part.split: Examples(own, own_labels, part.names)
        for part, own, own_labels in zip(parts, images, labels, strict=True)
    }
    spec = dataclasses.replace(spec, decided=decided)
    left_out = {name: "it holds NaN or infinite values" for part in parts for name in part.left_out}
    return Source(spec, by_split["train"], by_split.get("test"), by_split.get("validation"), left_out)


@dataclasses.dataclass(frozen=True)
class _Part:
    """One split as it is in the file; key: of its images, as it is shown; name: for messages.

    names: of the examples, where some were left out; left_out: of these.
    """

    split: str
    key: str
    name: str
    images: np.ndarray
    labels: np.ndarray | None
    names: np.ndarray | None = None
    left_out: np.ndarray = dataclasses.field(default_factory=lambda: np.array([], object))


def _in_range(
    spec: Spec, parts: list[_Part], given: Range | None, setting: str, known: Known | None
) -> tuple[Spec, list[np.ndarray]]:
    """The spec with the range of the numbers, and the examples of each part as they are stored."""
    name = f"{parts[0].name.rpartition(': ')[0]}: the images"
    arrays = [part.images for part in parts]
    if not spec.is_image:
        vectors, low, high = with_ranges(name, arrays)
        told = {"range": "each feature has the range that occurs"}
        return dataclasses.replace(spec, low=low, high=high, dtype="float32", decided=told), vectors
    numbers = [Numbers.of(array) for array in arrays]
    ends = found_range(name, numbers, given, known)
    wanted = known or Known(ends[0], numbers[0].dtype)
    images = stored(name, list(zip(arrays, ends, strict=True)), wanted.ends)
    told = {"range": _described(parts, numbers, ends, setting, known)}
    return dataclasses.replace(
        spec, low=wanted.ends[0], high=wanted.ends[1], dtype=dtype_name(wanted.dtype), decided=told
    ), images


def _described(parts: list[_Part], numbers: list[Numbers], ends: list[Range], setting: str, known: Known | None) -> str:
    """What is said of the range; of a part by itself where it has another than the first one."""
    same = [one for one, own in zip(numbers, ends, strict=True) if own == ends[0]]
    least, most = min(one.least for one in same), max(one.most for one in same)
    text = described(dataclasses.replace(numbers[0], least=least, most=most), ends[0], setting, known)
    for part, one, own in zip(parts, numbers, ends, strict=True):
        if own != ends[0]:
            text += f"; those of {part.key}, {one.least:g} to {one.most:g} of {one.dtype}, as {own[0]:g} to {own[1]:g}"
    return text


def _decided(parts: list[_Part], spec: Spec) -> dict[str, str]:
    """What is said of the arrays, their sizes, classes and splits."""
    if spec.is_image:
        height, width, channels = spec.image_shape
        size = f"{width}x{height} pixels (width x height), {'grey' if channels == 1 else 'in colour'}"
    else:
        size = f"vectors of {spec.size} numbers"
    told = {"arrays": ", ".join(part.key for part in parts), "size": size}
    if spec.class_names:
        told["classes"] = f"{spec.label_dim}, by the labels in the file; dataset.labels=none takes none"
    else:
        told["classes"] = "none"
    if len(parts) > 1:
        told["splits"] = ", ".join(f"{part.split} is {part.key}" for part in parts)
    return told


def _read(
    file: Path, images_key: str | None, labels_key: str | None, with_labels: bool
) -> tuple[list[_Part], Range | None]:
    """Read the training split and those beside it, and the range that the file says it has."""
    if not is_npz(file):
        if images_key or labels_key:
            raise UserError(
                f"{shown(file)} holds one array without a name: leave dataset.images_key and dataset.labels_key null, "
                "or save a .npz with images and labels."
            )
        return [_part(file, "train", "its array", map_npy(file), None, None)], None
    names = array_names(file)
    names_by_split = keys.find(shown(file), names, images_key, labels_key, with_labels)
    content = read_npz(file, [key for one in names_by_split for key in one[1:] if key], [_RANGE])
    parts = [
        _part(file, split, f"'{shown(key)}'", content[key], label_key, content[label_key] if label_key else None)
        for split, key, label_key in names_by_split
    ]
    own = content.get(_RANGE)
    if own is None or own.shape != (2,) or own.dtype.kind not in "iuf" or _RANGE in names_by_split[0]:
        return parts, None
    return parts, checked(own.tolist(), f"{shown(file)}: {_RANGE}")


def _part(
    file: Path, split: str, key: str, images: np.ndarray, label_key: str | None, labels: np.ndarray | None
) -> _Part:
    name = f"{shown(file)}: {key}"
    images = shaped(name, images)
    if labels is not None:
        labels = as_labels(f"{shown(file)}: '{shown(str(label_key))}'", labels, len(images))
    return _Part(split, key, name, images, labels)


def _whole(part: _Part, skip_bad: bool) -> _Part:
    """Refuse, or with `skip_bad` leave out, examples that hold NaN or infinite values."""
    good = finite_rows(part.images)
    bad = np.flatnonzero(~good)
    if len(bad) == 0:
        return part
    problem = (
        f"{part.name}: {len(bad)} of {len(good)} examples hold NaN or infinite values, the first at index {bad[0]}"
    )
    if not skip_bad:
        raise UserError(f"{problem}. Mend the file, or leave them out with dataset.skip_bad=true.")
    if len(bad) == len(good):
        raise UserError(f"{problem}: none is left. Mend the file.")
    require_memory(f"{part.name} without these", part.images.nbytes, _SMALLER)
    logging.getLogger("genctl").warning("%s. They are left out (dataset.skip_bad=true).", problem)
    labels = None if part.labels is None else part.labels[good]
    names = np.array([f"{part.split}[{place}]" for place in range(len(good))], object)
    return dataclasses.replace(part, images=part.images[good], labels=labels, names=names[good], left_out=names[~good])
