"""Two sets of examples that no run made: folders of image files, or .npz files."""

from pathlib import Path
from typing import Any

from PIL import Image

from genctl.data import arrays, folder
from genctl.data.base import Augment, Dataset, Source
from genctl.errors import UserError, did_you_mean
from genctl.metrics.base import Evaluation

Size = int | list[int]
RANGES = ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))  # of which it is known what they mean


def evaluation(real: str, samples: str, image_size: Size | None, count: int, seed: int, **further: Any) -> Evaluation:
    """Compare `samples` with half of `real`; the other half trains the feature network and gives the floor.

    Where a .npz of `real` has a test split of its own, that is taken for the first half. count: samples at most.
    Raises UserError where the sets are not of one kind.
    """
    size = image_size or _common_size({"real": real, "samples": samples})
    known, made = _load("real", real, size), _load("samples", samples, size)
    _check_alike(known, made)
    dataset = Dataset(known, validation=0.0, test=0.5, split_seed=0, limit=None, folds=None, fold=0, augment=Augment())
    images = made.train.images[:count]
    if made.spec.is_image:
        images = made.spec.to_stored(made.spec.to_unit(images))
    return Evaluation.of(dataset, "test", seed, images=images, count=len(images), **further)


def _load(name: str, path: str, size: Size) -> Source:
    try:
        if Path(path).expanduser().is_dir():
            return folder.load(path, size, None, skip_bad=False)
        return arrays.load(path, None, None, skip_bad=False)
    except UserError as error:
        raise UserError(f"{name}={path}: {error}") from error


def _common_size(paths: dict[str, str]) -> list[int]:
    """Height and width of all image files of the folders among the paths; [1, 1] where there is no folder."""
    found: dict[tuple[int, int], str] = {}
    for name, path in paths.items():
        root = Path(path).expanduser()
        if not root.exists():
            near = did_you_mean(root.name, [entry.name for entry in root.parent.glob("*")])
            raise UserError(f"{name}={path} is not there.{near}")
        for file in folder.image_names(root) if root.is_dir() else ():
            with Image.open(root / file) as image:
                found.setdefault((image.height, image.width), f"{name}/{file}")
    if len(found) > 1:
        kinds = ", ".join(f"{height}x{width} ({file})" for (height, width), file in list(found.items())[:3])
        raise UserError(f"the images are of several sizes: {kinds}. Say image_size=[height,width] to resize them all.")
    return list(next(iter(found), (1, 1)))


def _check_alike(real: Source, samples: Source) -> None:
    """Refuse sets of several shapes, and images whose numbers have several ranges (bytes are understood)."""
    known, made = real.spec, samples.spec
    if known.image_shape != made.image_shape:
        raise UserError(
            f"real= has examples of {known.image_shape}, but samples= of {made.image_shape}: make them alike."
        )
    ends = [(spec.low, spec.high) for spec in (known, made)]
    if known.is_image and ends[0] != ends[1] and not all(pair in RANGES for pair in ends):
        raise UserError(
            f"real= has numbers from {known.low} to {known.high}, but samples= from {made.low} to {made.high}: "
            "save both as bytes."
        )
