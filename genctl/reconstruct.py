"""`genctl reconstruct`: images of the run's data set or of one's own, encoded and decoded."""

import numpy as np

from genctl import rundir
from genctl.data.base import SplitName
from genctl.inputs import inputs
from genctl.invocation import Invocation
from genctl.moved import MovedData
from genctl.options import CheckpointOption, LabelOption, PathOption, progress
from genctl.outcome import SHOWN, Outcome
from genctl.pictures import pairs
from genctl.signatures import Count
from genctl.trained import trained


def reconstruct(
    invocation: Invocation,
    run: str,
    n: Count,
    out: str | None,
    path: PathOption,
    split: SplitName | None,
    dataset: MovedData,
    label: LabelOption,
    checkpoint: CheckpointOption,
) -> None:
    """Write reconstructions.npz (keys `samples` and `originals`, uint8 (n, h, w, c)) and a grid of pairs as PNG."""
    outcome = Outcome(out, rundir.existing(run), "reconstructions", path)
    with trained(run, checkpoint, invocation.trust, dataset) as model:
        model.require("reconstruct")
        given = inputs(model, path, split, label, invocation.trust)
        originals = given.stored(n)
        codes = model.codes(given.split, len(originals), given.units)
        copies = np.concatenate(list(progress(model.images(codes), "reconstructing", len(originals))))
        outcome.write(samples=copies, originals=originals)
        if model.spec.is_image:
            outcome.picture(pairs(originals[:SHOWN], copies[:SHOWN]))
