"""Rows of frames: images of codes that change step by step."""

import numpy as np

from genctl.cli.verbs.outputs import Outcome, ranged
from genctl.runs.grids import grid
from genctl.runs.trained import Trained


def write(outcome: Outcome, run: Trained, codes: np.ndarray, labels: np.ndarray, **others: np.ndarray | None) -> None:
    """Decode codes (n, frames, d) with the weights of their classes (n, frames, label_dim), and write the images.

    They go into `samples` (n, frames, …) beside `codes` and the others; the rows are a PNG, and the frames a WebP.
    """
    from genctl.runs.sampler import batches

    rows = codes.shape[0] * codes.shape[1]
    flat = [array.reshape(rows, array.shape[-1]).astype(np.float32) for array in (codes, labels)]
    images = np.concatenate(list(run.images(batches(*flat))))
    films = images.reshape(*codes.shape[:2], *run.spec.image_shape)
    outcome.write(samples=films, codes=codes.astype(np.float32), **ranged(run.spec), **others)
    if run.spec.is_image:
        films = run.spec.to_bytes(films)
        outcome.picture(grid(films.reshape(images.shape), columns=codes.shape[1]))
        outcome.animation([grid(films[:, frame]) for frame in range(codes.shape[1])])
