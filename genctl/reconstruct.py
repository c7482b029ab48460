"""`genctl reconstruct`: images of the run's data set or of one's own, encoded and decoded."""

from typing import Unpack

import numpy as np

from genctl import rundir
from genctl.inputs import inputs
from genctl.invocation import Invocation
from genctl.options import OnImages, progress
from genctl.outcome import SHOWN, Outcome
from genctl.pictures import pairs
from genctl.signatures import Count
from genctl.trained import trained


class Settings(OnImages):
    """See configs/reconstruct.yaml."""

    n: Count


def reconstruct(invocation: Invocation, **wanted: Unpack[Settings]) -> None:
    """Write reconstructions.npz (keys `samples` and `originals`, uint8 (n, h, w, c)) and a grid of pairs as PNG."""
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "reconstructions", wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust, wanted["dataset"]) as run:
        run.require("reconstruct")
        given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
        originals = given.stored(wanted["n"])
        codes = run.codes(given.split, len(originals), given.units)
        copies = np.concatenate(list(progress(run.images(codes), "reconstructing", len(originals))))
        outcome.write(samples=copies, originals=originals)
        if run.spec.is_image:
            outcome.picture(pairs(originals[:SHOWN], copies[:SHOWN]))
