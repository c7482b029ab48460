"""`genctl decode`: the images of codes."""

import numpy as np

from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import CheckpointOption, LabelOption, progress
from genctl.cli.verbs.outputs import Outcome
from genctl.config.files import given
from genctl.config.invocation import Invocation
from genctl.data.numpy_files import read_npz
from genctl.errors import UserError, did_you_mean
from genctl.runs import rundir


def decode(
    invocation: Invocation, run: str, path: str, out: str | None, label: LabelOption, checkpoint: CheckpointOption
) -> None:
    """Write decoded.npz (`samples` (n, …) in the data's numbers, their `range`) and a grid, or PNG files."""
    outcome = Outcome(out, rundir.existing(run), "decoded", path, folder=True)
    codes, labels = read_codes(path)
    with trained(run, checkpoint, invocation.trust) as model:
        model.require("decode")
        classes = labels if label is None and model.strategy.label_dim else label
        images = model.images(model.with_labels(codes, classes))
        outcome.stream(model.spec, progress(images, "decoding", len(codes)), len(codes))


def read_codes(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The codes of an .npz, and the names of their classes where it holds `labels`.

    Raises UserError where it holds none.
    """
    file = given(path, "path")
    if not file.exists():
        near = did_you_mean(file.name, [other.name for other in file.parent.glob("*.npz")])
        raise UserError(f"path={path} is not there: give an .npz that holds `codes`, as genctl encode writes it.{near}")
    arrays = read_npz(file, ("codes",), ("labels",))
    return arrays["codes"], arrays.get("labels")
