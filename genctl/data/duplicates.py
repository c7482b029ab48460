"""Which examples are copies of earlier ones: the same numbers, nearly the same picture, or its mirror image."""

import dataclasses

import numpy as np

from genctl.data.hamming import near
from genctl.data.prints import Prints

KINDS = ("exact", "near", "mirrored")
_BLANK = 2.0  # levels of 256 that the pixels of a picture without content spread by at most
# How much two thumbnails differ is the root mean square of their difference by the standard deviation of their pixels.
_SURE = 0.1  # no other picture is so near, but for frames of one scene
_MOST = 1 / 3  # of a copy, as strong compression makes it
_OF_OTHERS = 0.3  # of a copy, relative to what differs from the picture by little: pictures of one digit are all alike
_OTHERS, _NEAREST = 1024, 3  # as many others are looked at for that, and the third nearest counts
_AT_ONCE, _ROWS = 2**14, 2**11  # thumbnails that are compared, with one other and with _OTHERS


@dataclasses.dataclass(frozen=True)
class Copies:
    """Of n examples in an order, such as those of training first.

    blank: (n,) bool, pictures without content, which are no copies of each other. original: (n,) the place of the
    earlier example that each is a copy of, -1 for none. kind: (n,) the place of what it is in KINDS, -1 for none.
    first: (n,) the place of the first of all that are copies of each other; its own for those that are none.
    """

    blank: np.ndarray
    original: np.ndarray
    kind: np.ndarray
    first: np.ndarray


def find_copies(prints: Prints) -> Copies:
    """Find them in a time that grows with n, but for crowds of pictures that are alike."""
    count = len(prints.digests)
    pictures = prints.thumbnails.ndim == 4
    blank = prints.spread < _BLANK if pictures else np.zeros(count, bool)
    _, first, same = np.unique(prints.digests, axis=0, return_index=True, return_inverse=True)
    original = np.where((first[same] == np.arange(count)) | blank, -1, first[same])
    kind = np.where(original >= 0, KINDS.index("exact"), -1)
    left = np.flatnonzero(~blank & (original < 0)) if pictures else np.array([], np.int64)
    for name in KINDS[1:]:
        found = _alike(prints, left, original[left] < 0, name == "mirrored")
        new = np.flatnonzero(found >= 0)
        original[left[new]], kind[left[new]] = left[found[new]], KINDS.index(name)
    return Copies(blank, original, kind, _roots(original))


def _roots(original: np.ndarray) -> np.ndarray:
    """Follow copies of copies to the first one."""
    first = np.where(original < 0, np.arange(len(original)), original)
    while (first[first] != first).any():
        first = first[first]
    return first


def _alike(prints: Prints, places: np.ndarray, wanted: np.ndarray, mirrored: bool) -> np.ndarray:
    """For each of these pictures the place among them of the nearest earlier one that it is a copy of, or -1.

    wanted: (n,) bool, for which to look.
    """
    hashes, thumbnails = prints.hashes[places], prints.thumbnails[places]
    others = prints.mirrored[places] if mirrored else hashes
    partner, least = np.full(len(places), -1), np.full(len(places), np.inf)
    wanted = wanted.copy()
    for i, j in near(hashes, others, wanted):
        for start in range(0, len(i), _AT_ONCE):
            early, late = i[start : start + _AT_ONCE], j[start : start + _AT_ONCE]
            differ = _differences(thumbnails[early], thumbnails[late][:, :, ::-1] if mirrored else thumbnails[late])
            better = np.flatnonzero(differ < np.minimum(least[late], _MOST))
            better = better[
                np.argsort(-differ[better])
            ]  # of several for one place the last stays, which is the nearest
            least[late[better]], partner[late[better]] = differ[better], early[better]
        wanted &= least > _SURE
    unsure = np.flatnonzero((partner >= 0) & (least > _SURE))
    usual = np.minimum(_usual(thumbnails, unsure), _usual(thumbnails, partner[unsure]))
    partner[unsure[least[unsure] > _OF_OTHERS * usual]] = -1
    return partner


def _differences(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How much thumbnails (k, h, w, c) differ from others, (k,)."""
    axes = (1, 2, 3)
    some, others = some.astype(np.float32), others.astype(np.float32)
    spread = np.maximum(some.std(axis=axes), others.std(axis=axes))
    return np.sqrt(((some - others) ** 2).mean(axis=axes)) / np.maximum(spread, 1)


def _usual(thumbnails: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How much each of some pictures differs from the third nearest of many others, (k,)."""
    count = len(thumbnails)
    draw = np.random.default_rng(0).permutation(count)[: min(_OTHERS, count // 4)]
    if len(draw) < _NEAREST:
        return np.full(len(places), np.inf)
    flat = thumbnails.reshape(count, -1)
    others = flat[draw].astype(np.float32)
    spread, square = others.std(axis=1), (others**2).mean(axis=1)
    usual = np.zeros(len(places), np.float32)
    for start in range(0, len(places), _ROWS):
        part = places[start : start + _ROWS]
        some = flat[part].astype(np.float32)
        squares = (some**2).mean(axis=1)[:, None] + square - 2 / some.shape[1] * (some @ others.T)
        differ = np.sqrt(np.maximum(squares, 0)) / np.maximum(np.maximum(some.std(axis=1)[:, None], spread), 1)
        differ[part[:, None] == draw] = np.inf
        usual[start : start + len(part)] = np.partition(differ, _NEAREST - 1, axis=1)[:, _NEAREST - 1]
    return usual
