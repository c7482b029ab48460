"""Two sets of examples that no run made: folders of image files, or .npz files."""

import contextlib
import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags

from genctl.data import arrays, folder
from genctl.data.base import Augment, Dataset, Examples, Source
from genctl.data.paths import in_words_of
from genctl.data.pictures import fitted, opened
from genctl.errors import UserError, did_you_mean
from genctl.files import regular
from genctl.metrics.base import Evaluation
from genctl.pictures import as_picture

Size = int | list[int]
RANGES = ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))  # of which it is known what they mean
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
    made = _given("samples", samples, size or list(side))
    _check_alike(known, made)
    shape, changes = known.source.spec.image_shape, ""
    if known.source.spec.is_image:
        shape = (*(size or shape[:2]), max(shape[-1], made.source.spec.image_shape[-1]))
        changes = "; ".join(filter(None, (_change(one, shape) for one in (known, made))))
    if changes:
        log.info("images are made alike: %s.", changes)
    dataset = _divided(known, shape)
    images = _in_shape(made.source, shape).train.images[:count]
    if made.source.spec.is_image:
        images = made.source.spec.to_bytes(images)
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


def _given(name: str, path: str, size: list[int] | None) -> Given:
    """Load a set; image files are resized to [height, width], or else must be of one size."""
    place = Path(path).expanduser()
    with in_words_of(name, path):
        if not place.is_dir():
            source = arrays.load(str(regular(place)), None, None, skip_bad=False)
            shape = source.spec.image_shape
            return Given(name, path, source, frozenset([shape[:2]] if len(shape) == 3 else []))
        sizes = _sizes(place)
        if size is None and len(sizes) > 1:
            kinds = ", ".join(f"{_by(one)} ({file})" for one, file in list(sizes.items())[:3])
            raise UserError(f"its images are of several sizes: {kinds}. Say image_size=[height,width] to resize all.")
        # Where none can be read, loading tells why.
        source = folder.load(path, size or list(next(iter(sizes), (1, 1))), None, skip_bad=False)
        return Given(name, path, source, frozenset(sizes))


def _sizes(root: Path) -> dict[tuple[int, int], str]:
    """Height and width of the upright image files of a folder that can be read, each with the first that has it."""
    found: dict[tuple[int, int], str] = {}
    for file in folder.image_names(root):
        with contextlib.suppress(UserError), opened(root / file) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) > 4
            found.setdefault((image.width, image.height) if turned else (image.height, image.width), file)
    return found


def _check_alike(known: Given, made: Given) -> None:
    """Refuse images beside vectors, vectors of two widths, and images whose numbers have unknown ranges."""
    specs = [one.source.spec for one in (known, made)]
    real, samples = (spec.image_shape if not spec.is_image else None for spec in specs)
    if real != samples:
        kinds = ["images" if spec.is_image else f"vectors of {spec.size} numbers" for spec in specs]
        raise UserError(f"real={known.path} holds {kinds[0]}, but samples={made.path} {kinds[1]}: make them alike.")
    ends = [(spec.low, spec.high) for spec in specs]
    if specs[0].is_image and ends[0] != ends[1] and not all(pair in RANGES for pair in ends):
        spans = [f"numbers from {low} to {high}" for low, high in ends]
        raise UserError(
            f"real={known.path} has {spans[0]}, but samples={made.path} {spans[1]}: save both as bytes (uint8)."
        )


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
    """The source with images of this shape: resized as bytes, and grey ones in three equal channels."""
    spec = source.spec
    if spec.image_shape == shape:
        return source
    resized = spec.image_shape[:2] != shape[:2]

    def changed(examples: Examples) -> Examples:
        images = examples.images
        if resized:
            size = (*shape[:2], spec.image_shape[-1])
            images = np.stack([fitted(as_picture(image), *size) for image in spec.to_bytes(images)])
        return Examples(np.broadcast_to(images, (len(images), *shape)), examples.labels)

    low, high = (0.0, 255.0) if resized else (spec.low, spec.high)
    alike = dataclasses.replace(spec, image_shape=shape, low=low, high=high)
    return Source(alike, changed(source.train), changed(source.test) if source.test else None)


def _divided(known: Given, shape: tuple[int, ...]) -> Dataset:
    """The real examples as a data set, half of which, or their own test split, is to be compared with."""
    source = _in_shape(known.source, shape)
    count = len(source.train.images)
    if count < 2:
        raise UserError(
            f"real={known.path} has {count} example to learn from: give at least 2. Most metrics need many more."
        )
    return Dataset(source, validation=0.0, test=0.5, split_seed=0, limit=None, folds=None, fold=0, augment=Augment())
