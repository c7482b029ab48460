"""`genctl reconstruct`: images of the run's data set or of one's own, encoded and decoded."""

import numpy as np
from omegaconf import DictConfig
from pydantic import PositiveInt

from genctl import rundir
from genctl.data.base import SplitName
from genctl.inputs import inputs
from genctl.invocation import Invocation
from genctl.options import LabelOption, PathOption, options, progress
from genctl.outcome import SHOWN, Outcome
from genctl.pictures import pairs
from genctl.trained import trained


def reconstruct(cfg: DictConfig, invocation: Invocation) -> None:
    """Write reconstructions.npz (keys `samples` and `originals`, uint8 (n, h, w, c)) and a grid of pairs as PNG."""
    wanted = options(cfg, n=PositiveInt, split=SplitName, path=PathOption, label=LabelOption)
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "reconstructions")
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust) as run:
        run.require("reconstruct")
        given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
        originals = given.stored(wanted["n"])
        codes = run.codes(given.split, len(originals), given.units)
        copies = np.concatenate(list(progress(run.images(codes), "reconstructing", len(originals))))
        outcome.write(samples=copies, originals=originals)
        if run.spec.is_image:
            outcome.picture(pairs(originals[:SHOWN], copies[:SHOWN]))
