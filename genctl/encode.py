"""`genctl encode`: the codes of images, for files and for TensorBoard's projector."""

import numpy as np
from omegaconf import DictConfig
from pydantic import PositiveInt

from genctl import projector, rundir
from genctl.data.base import SplitName
from genctl.inputs import inputs
from genctl.invocation import Invocation
from genctl.options import LabelOption, PathOption, options, progress
from genctl.outcome import Outcome
from genctl.trained import trained


def encode(cfg: DictConfig, invocation: Invocation) -> None:
    """Write codes.npz (`codes` float32 (n, code_dim), `labels` the names of classes) and the projector's files."""
    wanted = options(cfg, n=PositiveInt | None, split=SplitName, path=PathOption, label=LabelOption, projector=bool)
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "codes")
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust) as run:
        run.require("encode")
        given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
        n = min(wanted["n"] or given.split.size, given.split.size)
        batches = progress(run.codes(given.split, n, given.units), "encoding", n)
        codes = np.concatenate([code for code, _ in batches])
        labels = None if given.labels is None else given.labels[:n]
        outcome.write(codes=codes, labels=labels)
        if wanted["projector"]:
            shown = codes[: projector.MOST]
            images = given.stored(len(shown)) if run.spec.is_image else None
            projector.write(outcome.path.with_suffix(""), run.step, shown, labels, images)
