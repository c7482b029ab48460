"""`genctl data`: whether a data set is fit to train on, before anything is trained."""

import logging
from pathlib import Path

import numpy as np
from rich.console import Console

from genctl.cli.terminal import quiet
from genctl.cli.verbs import fitness_report
from genctl.cli.verbs.outputs import writable
from genctl.config import files
from genctl.config.invocation import Invocation
from genctl.config.runconfig import Section
from genctl.config.signatures import Seed
from genctl.data.dataset import Dataset
from genctl.data.fitness import Fitness
from genctl.errors import UserError
from genctl.runs import build
from genctl.runs.grids import grid, pairs
from genctl.runs.grids import png as as_png

SHOWN = 64  # pictures of a grid
log = logging.getLogger("genctl")


def data(invocation: Invocation, dataset: Section, json: str | None, png: str | None, seed: Seed) -> None:
    """Look at a data set and say what is wrong with it; write a report and pictures where they are asked for.

    Files that cannot be read are a finding, as if dataset.skip_bad were set. Raises UserError where no data can be
    read, and for two files that are one.
    """
    report = _place(json, "json", ".json")
    picture = _place(png, "png", ".png")
    bad = {"skip_bad": True} if "skip_bad" in dataset else {}
    with quiet():
        given = build.dataset({"dataset": {**dataset, **bad}}, invocation.trust)
        if picture and not given.spec.is_image:
            raise UserError(f"png={png}: the examples of '{given.spec.name}' are vectors, no pictures: leave it out.")
        fitness = Fitness(given)
        fitness_report.show(fitness, Console())
        if report:
            report.write_text(fitness_report.as_json(fitness), encoding="utf-8")
            log.info("%s", report)
        if picture:
            _write_pictures(fitness, picture, seed)


def _place(text: str | None, key: str, suffix: str) -> Path | None:
    if text is None:
        return None
    if not text.endswith(suffix):
        raise UserError(f"{key}={text}: give a file that ends in {suffix}.")
    return writable(files.given(text, key), f"{key}=FILE{suffix}")


def _write_pictures(fitness: Fitness, path: Path, seed: int) -> None:
    """Write what training sees; and beside it near and mirrored copies with their originals, where there are some."""
    path.write_bytes(as_png(grid(_seen(fitness.dataset, seed))))
    log.info("%s: what training sees", path)
    if both := fitness.pairs(SHOWN):
        beside = path.with_name(f"{path.stem}-copies.png")
        beside.write_bytes(as_png(pairs(*both)))
        log.info("%s: near and mirrored copies, each on the right of its original", beside)


def _seen(dataset: Dataset, seed: int) -> np.ndarray:
    """The first training images as a training would see them, uint8 (n, h, w, c)."""
    train, spec = dataset.split("train"), dataset.spec
    images = train.take(np.arange(min(SHOWN, train.size))).images
    if not dataset.augment.enabled:
        return spec.to_bytes(images)
    from genctl.compute.context import Noise  # these bring TensorFlow
    from genctl.data.augment import augment
    from genctl.data.spec import as_bytes

    changed = augment(spec.to_unit(images), Noise(seed), dataset.augment, spec.image_shape[0])
    return as_bytes(changed.numpy())
