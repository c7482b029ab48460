"""Ways from one code to another, frame by frame."""

from collections.abc import Callable
from typing import Annotated

import numpy as np

from genctl.config.choices import one_of


def linear(start: np.ndarray, end: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(1 - t) p + t q: from codes p and q (n, d) at each t of `steps` (k,): (n, k, d)."""
    t = steps[:, None]
    return (1 - t) * start[:, None] + t * end[:, None]


def spherical(start: np.ndarray, end: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """sin((1 - t) w) / sin(w) p + sin(t w) / sin(w) q, with w the angle between p and q (Shoemake 1985, section 3.3).

    From codes p and q (n, d) at each t of `steps` (k,): (n, k, d). Where p and q lie on one line through 0 there is no
    such arc, and the way is straight.
    """
    start, end = start.astype(np.float64), end.astype(np.float64)
    lengths = np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1)
    cosine = np.divide(np.sum(start * end, axis=1), lengths, out=np.ones_like(lengths), where=lengths > 0)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]
    t, sine = steps[:, None], np.sin(angle)
    safe = np.where(sine < 1e-4, 1, sine)
    arc = np.sin((1 - t) * angle) / safe * start[:, None] + np.sin(t * angle) / safe * end[:, None]
    return np.where(sine < 1e-4, linear(start, end, steps), arc)


BLENDS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "linear": linear,
    "spherical": spherical,
}
BlendName = Annotated[str, one_of(BLENDS)]
