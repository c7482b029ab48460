"""`genctl encode`: the codes of images, for files and for TensorBoard's projector."""

from typing import Unpack

import numpy as np

from genctl import projector as board
from genctl import rundir
from genctl.inputs import inputs
from genctl.invocation import Invocation
from genctl.options import OnImages, progress
from genctl.outcome import Outcome
from genctl.signatures import Count
from genctl.trained import trained


class Settings(OnImages):
    """See configs/encode.yaml."""

    n: Count | None
    projector: bool


def encode(invocation: Invocation, **wanted: Unpack[Settings]) -> None:
    """Write codes.npz (`codes` float32 (n, code_dim), `labels` the names of classes) and the projector's files."""
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "codes", wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust, wanted["dataset"]) as run:
        run.require("encode")
        given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
        count = min(wanted["n"] or given.split.size, given.split.size)
        batches = progress(run.codes(given.split, count, given.units), "encoding", count)
        codes = np.concatenate([code for code, _ in batches])
        labels = None if given.labels is None else given.labels[:count]
        outcome.write(codes=codes, labels=labels)
        if wanted["projector"]:
            shown = codes[: board.MOST]
            images = given.stored(len(shown)) if run.spec.is_image else None
            board.write(outcome.path.with_suffix(""), run.step, shown, labels, images)
