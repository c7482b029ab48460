"""Images that a verb is given: of the run's own data set, or a user's own."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genctl.config import files
from genctl.data import arrays, folder
from genctl.data.examples import Examples, Source, Split, SplitName
from genctl.data.image_files import SUFFIXES, Frames, Shape, decode, fitted
from genctl.data.locations import given_path, in_words_of
from genctl.data.ranges import Numbers, described, found_range
from genctl.data.spec import Spec
from genctl.data.storage import stored
from genctl.errors import UserError, did_you_mean
from genctl.runs.classes import Label
from genctl.runs.grids import as_picture
from genctl.runs.trained import Trained

log = logging.getLogger("genctl")


class Inputs(NamedTuple):
    """Examples in the run's shape, as the run's are stored; labels: the name of each one's class, if any.

    The labels in the split are numbers of the run's classes, where the run is class-conditional.
    """

    split: Split
    labels: np.ndarray | None

    def classes(self, count: int) -> np.ndarray:
        """Numbers of the classes of the first examples, (n,); 0 where there are none."""
        places = self.split.positions[:count]
        return np.zeros(len(places), np.int64) if self.split.pool.labels is None else self.split.pool.labels[places]

    def own(self, count: int, spec: Spec) -> np.ndarray:
        """The first examples in the data's own numbers, as a run's results are."""
        return spec.to_own(spec.to_unit(self.split.take(np.arange(min(count, self.split.size))).images))


def inputs(
    run: Trained, path: str | Sequence[str] | None, split: SplitName | None, label: Label, trust: Sequence[str]
) -> Inputs:
    """What `path` names, or a split of the run's data set, by default its test. Raises UserError where there is none.

    path: a folder, an image file or several, or an .npz or .npy. label: the class of each, or of all, for a
    class-conditional run whose images have no labels.
    """
    if path is not None and not path:
        raise UserError("path is empty: name a folder, a file, or a list of image files.")
    if path is not None and split is not None:
        raise UserError(f"path=… are images of your own, and split={split} the run's: leave one of the two out.")
    given = _of_run(run, split or "test", trust) if path is None else _own(run, path, label)
    if label is None and run.strategy.label_dim and given.labels is None:
        raise UserError(f"path={path}: these images have no labels, but the run is class-conditional: give label=….")
    if label is None:
        return given
    whole, positions = given.split.pool, given.split.positions
    numbers = run.classes.of(label, len(whole.images)).astype(np.int32)
    pool = dataclasses.replace(whole, labels=numbers)
    names = np.asarray(run.spec.class_names)[numbers[positions]]
    return given._replace(split=dataclasses.replace(given.split, pool=pool), labels=names)


def _of_run(run: Trained, name: SplitName, trust: Sequence[str]) -> Inputs:
    try:
        dataset = run.dataset(trust)
    except UserError as error:
        raise UserError(f"{error} Images of your own will do: path=FOLDER, or path=FILE.npz.") from error
    split = dataset.split(name)
    if not split.size:
        raise UserError(f"split={name} is empty in this run: choose another.")
    names = np.asarray(run.spec.class_names)
    labels = None if split.pool.labels is None else names[split.pool.labels[split.positions]]
    return Inputs(split, labels)


def _own(run: Trained, path: str | Sequence[str], label: Label) -> Inputs:
    spec, frames = run.spec, run.config["dataset"].get("frames", "first")
    if _names_pictures(path):
        images, own = _files(path, spec, frames), None
    else:
        source = _collection(str(path), spec, frames)
        images, own = _in_shape(source, spec, str(path)), source
    numbers, labels = None, None
    if own is not None and own.train.labels is not None:
        labels = np.asarray(own.spec.class_names)[own.train.labels]
        numbers = _numbers(labels, run, str(path)) if run.strategy.label_dim and label is None else None
    return Inputs(Split("given", Examples(images, numbers), np.arange(len(images))), labels)


def _names_pictures(path: str | Sequence[str]) -> bool:
    return not isinstance(path, str) or (Path(path).suffix.lower() in SUFFIXES and not Path(path).is_dir())


def _files(path: str | Sequence[str], spec: Spec, frames: Frames) -> np.ndarray:
    """Image files as the run's examples are stored."""
    shape = _shape(spec, path)
    names = [path] if isinstance(path, str) else path
    images = [decode(files.given(name, "path"), shape, frames) for name in names]
    numbers = [Numbers.of(image) for image in images]
    ends = found_range("path", numbers, None, spec.known)
    for name, one, own in zip(names, numbers, ends, strict=True):
        if own != spec.known.ends or not one.within(own):
            log.info("%s, range: %s", name, described(one, own, known=spec.known))
    return np.concatenate(stored("path", list(zip(images, ends, strict=True)), spec.known.ends))


def _collection(path: str, spec: Spec, frames: Frames) -> Source:
    """A folder or a file of arrays, read as a data set is; numbers of images as the run's, if they can be."""
    known = spec.known if spec.is_image else None
    with in_words_of("path"):
        place = files.given(path, "path")
        if not place.is_dir():
            return arrays.read(given_path(path, "npz", "images.npz"), known=known)
        height, width, channels, interpolation = _shape(spec, path)
        wanted = folder.Wanted(height, width, 1 if channels == 1 else 3, interpolation, frames)
        return folder.read(place, wanted, known=known)


def _shape(spec: Spec, path: str | Sequence[str]) -> Shape:
    if not spec.is_image:
        raise UserError(f"path={path}: this run takes vectors of {spec.size} numbers: give a .npz file.")
    height, width, channels = spec.image_shape
    return Shape(height, width, channels, spec.interpolation)


def _in_shape(source: Source, spec: Spec, path: str) -> np.ndarray:
    """Images in the run's shape, resized where they have another."""
    images, own = source.train.images, source.spec
    if own.is_image != spec.is_image or (not spec.is_image and own.image_shape != spec.image_shape):
        wanted = "images" if spec.is_image else f"vectors of {spec.size} numbers"
        raise UserError(f"path={path} holds examples of shape {list(own.image_shape)}: this run takes {wanted}.")
    for what in ("files", "size", "range"):
        if what in own.decided:
            log.info("path=%s, %s: %s", path, what, own.decided[what])
    if source.test is not None or source.validation is not None:
        log.info("path=%s: of its splits, that of training is taken", path)
    if own.image_shape == spec.image_shape:
        return images
    shape = _shape(spec, path)
    return np.stack([fitted(as_picture(image), shape) for image in own.to_bytes(images)])


def _numbers(labels: np.ndarray, run: Trained, path: str) -> np.ndarray:
    """The run's numbers of classes given by name."""
    names = list(run.spec.class_names)
    if unknown := sorted(set(labels.tolist()) - set(names)):
        raise UserError(
            f"path={path}: {unknown[0]} is not a class of this run.{did_you_mean(unknown[0], names)} "
            f"Its classes: {', '.join(names)}. Or give label=… for all."
        )
    return np.array([names.index(label) for label in labels.tolist()], np.int32)
