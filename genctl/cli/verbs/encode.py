"""`genctl encode`: the codes of images, for files and for TensorBoard's projector."""

from typing import Unpack

import numpy as np

from genctl.cli.verbs import projector
from genctl.cli.verbs.inputs import inputs
from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import OnImages, progress
from genctl.cli.verbs.outputs import Outcome
from genctl.config.invocation import Invocation
from genctl.config.signatures import Count
from genctl.runs import rundir


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
        batches = progress(run.codes(given.split, count), "encoding", count)
        codes = np.concatenate([code for code, _ in batches])
        labels = None if given.labels is None else given.labels[:count]
        outcome.write(codes=codes, labels=labels)
        if wanted["projector"]:
            shown = codes[: projector.MOST]
            images = run.spec.to_bytes(given.own(len(shown), run.spec)) if run.spec.is_image else None
            projector.write(outcome.path.with_suffix(""), run.step, shown, labels, images)
