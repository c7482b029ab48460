"""Which arrays of a .npz are the images and labels of which split, by their names."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from genctl.data.layout import SPLITS
from genctl.data.locations import shown
from genctl.data.numpy_files import listed
from genctl.errors import UserError, did_you_mean

_IMAGES = ("x", "images", "image", "data", "samples", "arr_0")  # the first that is there is taken
_LABELS = ("y", "labels", "label", "targets", "target")
_WORDS = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
_JOINED = re.compile(rf"([xy])({'|'.join(SPLITS)})", re.IGNORECASE)


class Keys(NamedTuple):
    """The names of the arrays of one split."""

    split: str
    images: str
    labels: str | None


class _Name(NamedTuple):
    """A name taken apart: `train_images` is images of train, `data` is data of no split."""

    stem: str
    split: str | None


def find(
    file: str, keys: Sequence[str], images_key: str | None, labels_key: str | None, with_labels: bool = True
) -> list[Keys]:
    """Find the arrays of the training split, and of a validation and a test split where the file has these.

    Names are read in any case, with train, val or test before or after. images_key, labels_key: those of the training
    split, where they were given; the others are then looked for by the same word. with_labels: look for labels.
    Raises UserError, which names the file, where the images cannot be told or a split alone has no labels.
    """
    for option, key in (("images_key", images_key), ("labels_key", labels_key)):
        if key is not None and key not in keys:
            raise UserError(
                f"dataset.{option}={shown(key)} is not in {file}, which holds {listed(keys)}."
                + did_you_mean(key, map(shown, keys))
            )
    if labels_key and not with_labels:
        raise UserError(f"dataset.labels=none and dataset.labels_key={shown(labels_key)}: leave one of the two out.")
    names = {key: _parse(key) for key in keys}
    first = images_key or _training_images(file, names, labels_key)
    own = names[first].split
    trains = own in (None, "train")
    labels = labels_key
    if with_labels and not labels:
        labels = _one(names, _LABELS, (own, None, "train") if trains else (own,), first)
    chosen = [Keys("train", first, labels)]
    for split in ("validation", "test") if trains else ():
        images = _one(names, (names[first].stem, *_IMAGES), (split,), first)
        if images is not None:
            words = (names[labels].stem, *_LABELS) if labels else ()
            chosen.append(Keys(split, images, _one(names, words, (split,), images)))
            if labels and chosen[-1].labels is None:
                raise UserError(
                    f"{file} has labels '{shown(labels)}', but '{shown(images)}' has none: add '"
                    f"{_labels_name(images, names[images])}', or set dataset.labels=none."
                )
    return chosen


def _parse(key: str) -> _Name:
    if joined := _JOINED.fullmatch(key):
        return _Name(joined[1].lower(), SPLITS[joined[2].lower()])
    words = [word.lower() for word in _WORDS.split(key)]
    for place in (0, -1):
        if len(words) > 1 and words[place] in SPLITS:
            split = SPLITS[words.pop(place)]
            return _Name("_".join(words), split)
    return _Name("_".join(words), None)


def _one(
    names: dict[str, _Name], stems: Sequence[str], splits: Sequence[str | None], beside: str | None = None
) -> str | None:
    """The first array by these words, of the first of these splits; not `beside` itself."""
    for split in splits:
        for stem in stems:
            for key, name in names.items():
                if name == (stem, split) and key != beside:
                    return key
    return None


def _training_images(file: str, names: dict[str, _Name], labels_key: str | None) -> str:
    match = _one(names, _IMAGES, ("train", None), labels_key)
    if match is not None:
        return match
    others = [key for key, name in names.items() if name.stem not in (*_LABELS, "range") and key != labels_key]
    others = [key for key in others if names[key].split in (None, "train")]
    if len(others) == 1:
        return others[0]
    raise UserError(
        f"{file} holds {listed(names)}: say which array has the images with dataset.images_key=... "
        f"(found by themselves: {', '.join(_IMAGES)}, alone or with train, as in x_train, or the only array)."
    )


def _labels_name(images: str, name: _Name) -> str:
    return f"y_{name.split}" if name.stem == "x" else shown(images.replace(name.stem, "labels"))
