"""`genctl interpolate`: what lies between two samples, or between two images."""

from collections.abc import Callable
from typing import Annotated, Unpack

import numpy as np
from pydantic import Field

from genctl.cli.verbs.inputs import inputs
from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import FrameCount, OnImages
from genctl.cli.verbs.outputs import Outcome
from genctl.config.choices import one_of
from genctl.config.invocation import Invocation
from genctl.config.signatures import Seed
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.runs.trained import Trained, joined

Ends = tuple[np.ndarray, np.ndarray]


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


class Settings(OnImages):
    """See configs/interpolate.yaml."""

    n: Annotated[int, Field(gt=0, le=1000)]
    frames: FrameCount
    method: BlendName
    seeds: Annotated[list[Seed], Field(min_length=2, max_length=2)]


def interpolate(invocation: Invocation, **wanted: Unpack[Settings]) -> None:
    """Write interpolations.npz (`samples` (n, frames, …), `codes`), its rows as PNG, and an animated WebP."""
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "interpolations", wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust, wanted["dataset"]) as run:
        if wanted["path"] is not None or wanted["split"] is not None:
            run.require("reconstruct")
            codes, labels = _of_images(run, wanted, invocation)
        else:
            codes, labels = _of_samples(run, wanted)
        steps = np.linspace(0, 1, wanted["frames"])
        outcome.write_films(run, BLENDS[wanted["method"]](*codes, steps), linear(*labels, steps))


def _of_samples(run: Trained, wanted: Settings) -> tuple[Ends, Ends]:
    """Codes of samples of the two seeds, and the weights of their classes."""
    (start, classes), (end, _) = (joined(run.draws(wanted["n"], seed, wanted["label"])) for seed in wanted["seeds"])
    return (start, end), (classes, classes)


def _of_images(run: Trained, wanted: Settings, invocation: Invocation) -> tuple[Ends, Ends]:
    """Codes of images: the first to the second, the third to the fourth, and so on."""
    given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
    count = min(2 * wanted["n"], given.split.size // 2 * 2)
    if not count:
        raise UserError("there is one image alone: interpolation needs two.")
    codes, classes = joined(run.codes(given.split, count))
    return (codes[::2], codes[1::2]), (classes[::2], classes[1::2])
