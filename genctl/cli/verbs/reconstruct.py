"""`genctl reconstruct`: images of the run's data set or of one's own, encoded and decoded."""

from typing import Unpack

import numpy as np

from genctl.cli.verbs.inputs import inputs
from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import OnImages, progress
from genctl.cli.verbs.outputs import SHOWN, Outcome, ranged
from genctl.config.invocation import Invocation
from genctl.config.signatures import Count
from genctl.runs import rundir
from genctl.runs.grids import pairs


class Settings(OnImages):
    """See configs/reconstruct.yaml."""

    n: Count


def reconstruct(invocation: Invocation, **wanted: Unpack[Settings]) -> None:
    """Write reconstructions.npz (`samples` and `originals` (n, …) in the data's numbers) and a grid of pairs as PNG."""
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "reconstructions", wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust, wanted["dataset"]) as run:
        run.require("reconstruct")
        given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
        originals = given.own(wanted["n"], run.spec)
        codes = run.codes(given.split, len(originals))
        copies = np.concatenate(list(progress(run.images(codes), "reconstructing", len(originals))))
        outcome.write(samples=copies, originals=originals, **ranged(run.spec))
        if run.spec.is_image:
            outcome.picture(pairs(*map(run.spec.to_bytes, (originals[:SHOWN], copies[:SHOWN]))))
