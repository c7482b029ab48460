"""A user's own arrays: a .npz or .npy file."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from genctl.data.base import Examples, Source
from genctl.data.formats import array_names, is_npz, listed, map_npy, read_npz
from genctl.data.memory import require_memory
from genctl.data.numbers import as_labels, encode_labels, finite_rows, shaped, with_range
from genctl.data.paths import given_path, shown
from genctl.data.spec import Spec
from genctl.errors import UserError, did_you_mean

_IMAGES = ("x_train", "images", "x", "samples", "arr_0")
_LABELS = ("y_train", "labels", "y")
_TEST_IMAGES, _TEST_LABELS = "x_test", "y_test"
_SMALLER = "take fewer examples, or smaller ones."


def load(path: str | None, images_key: str | None, labels_key: str | None, skip_bad: bool) -> Source:
    """Load images (n, h, w[, c]) or vectors (n, d), labels and a test split from .npz, or images alone from .npy.

    images_key, labels_key: names of arrays; None finds them. skip_bad: leave out examples with NaN or infinite values.
    Images of whole numbers in 0..255 become uint8 (those of a .npy stay on disk); all else becomes float32.
    Raises UserError where the file does not hold this.
    """
    file = given_path(path, "npz", "images.npz")
    if file.is_dir():
        raise UserError(f"dataset.path={shown(file)} is a folder: name a .npz file, or use dataset=folder for images.")
    raw = [_whole(part, skip_bad) for part in _read(file, images_key, labels_key)]
    if raw[0].images.shape[1:] != raw[-1].images.shape[1:]:
        raise UserError(
            f"{raw[-1].name} has examples of shape {raw[-1].images.shape[1:]}, but {raw[0].name} of "
            f"{raw[0].images.shape[1:]}: give both the same shape."
        )
    images, low, high = with_range(f"{shown(file)}: the images", [part.images for part in raw])
    labels, class_names = encode_labels([part.labels for part in raw])
    spec = Spec(shown(file.stem), images[0].shape[1:], class_names, low, high)
    train, *test = map(Examples, images, labels)
    return Source(spec, train, test[0] if test else None)


@dataclasses.dataclass(frozen=True)
class _Part:
    """One split as it is in the file; `name` is for messages."""

    name: str
    images: np.ndarray
    labels: np.ndarray | None


def _read(file: Path, images_key: str | None, labels_key: str | None) -> list[_Part]:
    """Read the training split, and the test split if there is one."""
    if not is_npz(file):
        if images_key or labels_key:
            raise UserError(
                f"{shown(file)} holds one array without a name: leave dataset.images_key and dataset.labels_key null, "
                "or save a .npz with images and labels."
            )
        return [_part(file, "its array", map_npy(file), None, None)]
    names = _names(file, array_names(file), images_key, labels_key)
    content = read_npz(file, [key for pair in names for key in pair if key])
    return [
        _part(file, f"'{shown(key)}'", content[key], label_key, content[label_key] if label_key else None)
        for key, label_key in names
    ]


def _part(file: Path, key: str, images: np.ndarray, label_key: str | None, labels: np.ndarray | None) -> _Part:
    name = f"{shown(file)}: {key}"
    images = shaped(name, images)
    if images.dtype not in (np.uint8, np.float32):
        require_memory(f"{name} as float32", 4 * images.size, _SMALLER)
    if labels is not None:
        labels = as_labels(f"{shown(file)}: '{shown(str(label_key))}'", labels, len(images))
    return _Part(name, images, labels)


def _names(file: Path, keys: list[str], images_key: str | None, labels_key: str | None) -> list[tuple[str, str | None]]:
    """Find the names of (images, labels), for the training split and for the test split if there is one."""
    for option, key in (("images_key", images_key), ("labels_key", labels_key)):
        if key is not None and key not in keys:
            raise UserError(
                f"dataset.{option}={shown(key)} is not in {shown(file)}, which holds {listed(keys)}."
                + did_you_mean(key, map(shown, keys))
            )
    labels_key = labels_key or next((key for key in _LABELS if key in keys), None)
    others = [key for key in keys if key not in (labels_key, *_LABELS, _TEST_IMAGES, _TEST_LABELS)]
    found = next((key for key in _IMAGES if key in others), others[0] if len(others) == 1 else None)
    images_key = images_key or found
    if images_key is None:
        raise UserError(
            f"{shown(file)} holds {listed(keys)}: say which array has the images with dataset.images_key=... "
            f"(found by themselves: {', '.join(_IMAGES)}, or the only array)."
        )
    if _TEST_IMAGES not in keys or images_key == _TEST_IMAGES:
        return [(images_key, labels_key)]
    if labels_key and _TEST_LABELS not in keys:
        raise UserError(
            f"{shown(file)} has labels '{shown(labels_key)}', but '{_TEST_IMAGES}' has none: add '{_TEST_LABELS}'."
        )
    return [(images_key, labels_key), (_TEST_IMAGES, _TEST_LABELS if labels_key else None)]


def _whole(part: _Part, skip_bad: bool) -> _Part:
    """Refuse, or with `skip_bad` leave out, examples that hold NaN or infinite values."""
    good = finite_rows(part.images)
    bad = np.flatnonzero(~good)
    if len(bad) == 0:
        return part
    found = f"{part.name}: {len(bad)} of {len(good)} examples hold NaN or infinite values, the first at index {bad[0]}"
    if not skip_bad:
        raise UserError(f"{found}. Mend the file, or leave them out with dataset.skip_bad=true.")
    if len(bad) == len(good):
        raise UserError(f"{found}: none is left. Mend the file.")
    require_memory(f"{part.name} without these", part.images.nbytes, _SMALLER)
    logging.getLogger("genctl").warning("%s. They are left out (dataset.skip_bad=true).", found)
    return _Part(part.name, part.images[good], None if part.labels is None else part.labels[good])
