"""Two sets of examples that no run made: folders of image files, or .npz files."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np

from genctl.config.files import regular
from genctl.data import arrays, folder
from genctl.data.dataset import Augment, Dataset
from genctl.data.examples import Examples, Source
from genctl.data.image_files import Shape, fitted
from genctl.data.listing import image_files
from genctl.data.locations import in_words_of
from genctl.data.ranges import BYTES, Known
from genctl.data.survey import looks
from genctl.errors import UserError, did_you_mean
from genctl.metrics.evaluation import Evaluation
from genctl.runs.grids import as_picture

Size = int | list[int]
log = logging.getLogger("genctl")


@dataclasses.dataclass(frozen=True)
class Given:
    """One of the two sets. name: of the setting that names it; sizes: (height, width) of images, before any change."""

    name: str
    path: str
    source: Source
    sizes: frozenset[tuple[int, int]]


def evaluation(real: str, samples: str, image_size: Size | None, count: int, seed: int, **further: Any) -> Evaluation:
    """Compare `samples` with half of `real`; the other half trains the feature network and gives the floor.

    Where a .npz of `real` has a test split of its own, that is taken for the first half. count: samples at most.
    image_size: of all images; None: that of the images of `real`. Grey images become coloured where others are.
    Raises UserError where the sets cannot be compared.
    """
    _check_places({"real": real, "samples": samples})
    size = [image_size] * 2 if isinstance(image_size, int) else image_size
    known = _given("real", real, size)
    side = known.source.spec.image_shape[:2] if known.source.spec.is_image else (1, 1)  # of what will be refused
    ends = known.source.spec.known._replace(strict=True) if known.source.spec.is_image else None
    made = _given("samples", samples, size or list(side), ends)
    _check_alike(known, made)
    shape, changes = known.source.spec.image_shape, ""
    if known.source.spec.is_image:
        shape = (*(size or shape[:2]), max(shape[-1], made.source.spec.image_shape[-1]))
        changes = "; ".join(filter(None, (_change(one, shape) for one in (known, made))))
    if changes:
        log.info("images are made alike: %s.", changes)
    dataset = _divided(known, shape)
    images = _in_shape(made.source, shape).train.images[:count]
    prepared = {"made_alike": changes} if changes else {}
    return Evaluation.of(dataset, "test", seed, images=images, count=len(images), prepared=prepared, **further)


def _check_places(paths: dict[str, str]) -> None:
    """Refuse what is not there; warn of two folders or files of which one is in the other, or is the other."""
    for name, path in paths.items():
        if not path:
            raise UserError(f"{name}= is empty: name a folder of images, or a .npz.")
        place = Path(path).expanduser()
        if not place.exists():
            near = did_you_mean(place.name, [entry.name for entry in place.parent.glob("*")])
            raise UserError(f"{name}={path} is not there.{near}")
    real, samples = (Path(path).expanduser().resolve() for path in paths.values())
    nested = real.is_dir() and samples.is_dir() and (real in samples.parents or samples in real.parents)
    if nested or real.samefile(samples):
        log.warning(
            "real=%s and samples=%s hold the same examples: the numbers compare a set with itself.", *paths.values()
        )


def _given(name: str, path: str, size: list[int] | None, known: Known | None = None) -> Given:
    """Load a set; image files are resized to [height, width], or else must be of one size.

    known: of the images beside it, whose range it has too if it can, else one as well known.
    """
    place = Path(path).expanduser()
    with in_words_of(name, path):
        if not place.is_dir():
            source = arrays.read(regular(place), known=known)
            shape = source.spec.image_shape
            return Given(name, path, source, frozenset([shape[:2]] if len(shape) == 3 else []))
        sizes = _sizes(place)
        if size is None and len(sizes) > 1:
            kinds = ", ".join(f"{_by(one)} ({file})" for one, file in list(sizes.items())[:3])
            raise UserError(f"its images are of several sizes: {kinds}. Say image_size=[height,width] to resize all.")
        height, width = size or next(iter(sizes), (1, 1))  # where none can be read, loading tells why
        return Given(name, path, folder.read(place, folder.Wanted(height, width, None), known=known), frozenset(sizes))


def _sizes(root: Path) -> dict[tuple[int, int], str]:
    """Height and width of the upright image files of a folder that can be read, each with the first that has it."""
    files = image_files(root).pictures
    first_of: dict[tuple[int, int], str] = {}
    for file, one in zip(files, looks([root / file for file in files]), strict=True):
        if one is not None:
            first_of.setdefault((one.height, one.width), file)
    return first_of


def _check_alike(known: Given, made: Given) -> None:
    """Refuse images beside vectors, and vectors of two widths; say how the numbers of images are read."""
    specs = [one.source.spec for one in (known, made)]
    real, samples = (spec.image_shape if not spec.is_image else None for spec in specs)
    if real != samples:
        kinds = ["images" if spec.is_image else f"vectors of {spec.size} numbers" for spec in specs]
        raise UserError(f"real={known.path} holds {kinds[0]}, but samples={made.path} {kinds[1]}: make them alike.")
    for one in (known, made):
        if one.source.spec.is_image:
            log.info("%s=%s, range: %s", one.name, one.path, one.source.spec.decided["range"])


def _change(one: Given, shape: tuple[int, ...]) -> str:
    """What `_in_shape`, or loading, changes of the images of a set; "" for nothing."""
    parts = []
    if one.sizes != {shape[:2]}:
        before = _by(next(iter(one.sizes))) if len(one.sizes) == 1 else f"{len(one.sizes)} sizes"
        parts.append(f"from {before} to {_by(shape)} pixels")
    if one.source.spec.image_shape[-1] != shape[-1]:
        parts.append("from grey to colour")
    return f"{one.name} {' and '.join(parts)}" if parts else ""


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]}"


def _in_shape(source: Source, shape: tuple[int, ...]) -> Source:
    """The source with images as bytes of this shape: resized, and grey ones in three equal channels."""
    spec = source.spec
    if not spec.is_image:
        return source
    resized = spec.image_shape[:2] != shape[:2]

    def changed(examples: Examples | None) -> Examples | None:
        if examples is None:
            return None
        images = spec.to_bytes(examples.images)
        if resized:
            size = Shape(shape[0], shape[1], spec.image_shape[-1])
            images = np.stack([fitted(as_picture(image), size) for image in images])
        return Examples(np.broadcast_to(images, (len(images), *shape)), examples.labels)

    alike = dataclasses.replace(spec, image_shape=shape, low=BYTES[0], high=BYTES[1], dtype="uint8")
    train = changed(source.train)
    assert train is not None
    return Source(alike, train, changed(source.test), changed(source.validation))


def _divided(known: Given, shape: tuple[int, ...]) -> Dataset:
    """The real examples as a data set, half of which, or their own test split, is to be compared with."""
    source = _in_shape(known.source, shape)
    count = len(source.train.images)
    if count < 2:
        raise UserError(
            f"real={known.path} has {count} example to learn from: give at least 2. Most metrics need many more."
        )
    return Dataset(
        source,
        validation_fraction=0.0,
        test_fraction=0.5,
        stratify=False,
        split_seed=0,
        limit=None,
        folds=None,
        fold=0,
        augment=Augment(),
    )
