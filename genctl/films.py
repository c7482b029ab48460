"""Rows of frames: images of codes that change step by step."""

import numpy as np

from genctl.outcome import Outcome
from genctl.pictures import grid
from genctl.trained import Trained


def write(outcome: Outcome, run: Trained, codes: np.ndarray, labels: np.ndarray, **others: np.ndarray | None) -> None:
    """Decode codes (n, frames, d) with the weights of their classes (n, frames, label_dim), and write the images.

    They go into `samples` (n, frames, …) beside `codes` and the others; the rows are a PNG, and the frames a WebP.
    """
    from genctl.sampling import batches

    rows = codes.shape[0] * codes.shape[1]
    flat = [array.reshape(rows, array.shape[-1]).astype(np.float32) for array in (codes, labels)]
    images = np.concatenate(list(run.images(batches(*flat))))
    films = images.reshape(*codes.shape[:2], *run.spec.image_shape)
    outcome.write(samples=films, codes=codes.astype(np.float32), **others)
    if run.spec.is_image:
        outcome.picture(grid(images, columns=codes.shape[1]))
        outcome.animation([grid(films[:, frame]) for frame in range(codes.shape[1])])
