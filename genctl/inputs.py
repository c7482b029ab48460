"""Images that a verb is given: of the run's own data set, or a user's own."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genctl import files
from genctl.classes import Label
from genctl.data import arrays, folder
from genctl.data.base import Examples, Source, Split, SplitName
from genctl.data.paths import in_words_of
from genctl.data.pictures import decode, fitted
from genctl.data.spec import Spec
from genctl.errors import UserError, did_you_mean
from genctl.pictures import as_picture
from genctl.trained import Trained


class Inputs(NamedTuple):
    """Examples in the run's shape; units: what their stored values mean; labels: the name of each one's class, if any.

    The labels in the split are numbers of the run's classes, where the run is class-conditional.
    """

    split: Split
    units: Spec
    labels: np.ndarray | None

    def classes(self, count: int) -> np.ndarray:
        """Numbers of the classes of the first examples, (n,); 0 where there are none."""
        places = self.split.positions[:count]
        return np.zeros(len(places), np.int64) if self.split.pool.labels is None else self.split.pool.labels[places]

    def stored(self, count: int) -> np.ndarray:
        """The first examples as a run's results are stored, so that they can be put beside these."""
        images = self.split.take(np.arange(min(count, self.split.size))).images
        return self.units.to_bytes(images) if self.units.is_image else images


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
    return Inputs(split, run.spec, labels)


def _own(run: Trained, path: str | Sequence[str], label: Label) -> Inputs:
    spec = run.spec
    source = _files(path, spec) if _names_pictures(path) else _collection(str(path), spec)
    images, units = _in_shape(source, spec, str(path))
    numbers, labels = source.train.labels, None
    if numbers is not None:
        labels = np.asarray(source.spec.class_names)[numbers]
        numbers = _numbers(labels, run, str(path)) if run.strategy.label_dim and label is None else None
    return Inputs(Split("given", Examples(images, numbers), np.arange(len(images))), units, labels)


def _names_pictures(path: str | Sequence[str]) -> bool:
    return not isinstance(path, str) or Path(path).suffix.lower() in folder.SUFFIXES


def _files(path: str | Sequence[str], spec: Spec) -> Source:
    height, width, channels = _image_shape(spec, path)
    names = [path] if isinstance(path, str) else path
    images = [decode(files.given(name, "path"), height, width, channels) for name in names]
    return Source(Spec("files", spec.image_shape), Examples(np.stack(images), None), None)


def _collection(path: str, spec: Spec) -> Source:
    """A folder or a file of arrays, read as a data set is."""
    with in_words_of("path"):
        if not files.given(path, "path").is_dir():
            return arrays.load(path, None, None, skip_bad=False)
        height, width, channels = _image_shape(spec, path)
        return folder.load(path, [height, width], 1 if channels == 1 else 3, skip_bad=False)


def _image_shape(spec: Spec, path: str | Sequence[str]) -> tuple[int, int, int]:
    if not spec.is_image:
        raise UserError(f"path={path}: this run takes vectors of {spec.size} numbers: give a .npz file.")
    height, width, channels = spec.image_shape
    return height, width, channels


def _in_shape(source: Source, spec: Spec, path: str) -> tuple[np.ndarray, Spec]:
    """Images in the run's shape, resized where they have another, and what their values mean."""
    images, own = source.train.images, source.spec
    if own.is_image != spec.is_image or (not spec.is_image and own.image_shape != spec.image_shape):
        wanted = "images" if spec.is_image else f"vectors of {spec.size} numbers"
        raise UserError(f"path={path} holds examples of shape {list(own.image_shape)}: this run takes {wanted}.")
    if own.image_shape != spec.image_shape:
        height, width, channels = _image_shape(spec, path)
        images = np.stack([fitted(as_picture(image), height, width, channels) for image in own.to_bytes(images)])
    if images.dtype == np.uint8:
        return images, dataclasses.replace(spec, low=0.0, high=255.0)
    same_units = not spec.is_image or spec.high != 255
    return images, spec if same_units else dataclasses.replace(spec, low=own.low, high=own.high)


def _numbers(labels: np.ndarray, run: Trained, path: str) -> np.ndarray:
    """The run's numbers of classes given by name."""
    names = list(run.spec.class_names)
    if unknown := sorted(set(labels.tolist()) - set(names)):
        raise UserError(
            f"path={path}: {unknown[0]} is not a class of this run.{did_you_mean(unknown[0], names)} "
            f"Its classes: {', '.join(names)}. Or give label=… for all."
        )
    return np.array([names.index(label) for label in labels.tolist()], np.int32)
