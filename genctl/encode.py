"""`genctl encode`: the codes of images, for files and for TensorBoard's projector."""

import numpy as np

from genctl import projector as board
from genctl import rundir
from genctl.data.base import SplitName
from genctl.inputs import inputs
from genctl.invocation import Invocation
from genctl.moved import MovedData
from genctl.options import CheckpointOption, LabelOption, PathOption, progress
from genctl.outcome import Outcome
from genctl.signatures import Count
from genctl.trained import trained


def encode(
    invocation: Invocation,
    run: str,
    n: Count | None,
    out: str | None,
    path: PathOption,
    split: SplitName | None,
    dataset: MovedData,
    label: LabelOption,
    projector: bool,
    checkpoint: CheckpointOption,
) -> None:
    """Write codes.npz (`codes` float32 (n, code_dim), `labels` the names of classes) and the projector's files."""
    outcome = Outcome(out, rundir.existing(run), "codes", path)
    with trained(run, checkpoint, invocation.trust, dataset) as model:
        model.require("encode")
        given = inputs(model, path, split, label, invocation.trust)
        count = min(n or given.split.size, given.split.size)
        batches = progress(model.codes(given.split, count, given.units), "encoding", count)
        codes = np.concatenate([code for code, _ in batches])
        labels = None if given.labels is None else given.labels[:count]
        outcome.write(codes=codes, labels=labels)
        if projector:
            shown = codes[: board.MOST]
            images = given.stored(len(shown)) if model.spec.is_image else None
            board.write(outcome.path.with_suffix(""), model.step, shown, labels, images)
