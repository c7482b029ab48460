"""`genctl decode`: the images of codes."""

import numpy as np

from genctl import rundir
from genctl.data.formats import read_npz
from genctl.errors import UserError, did_you_mean
from genctl.files import given
from genctl.invocation import Invocation
from genctl.options import CheckpointOption, LabelOption, progress
from genctl.outcome import Outcome
from genctl.trained import trained


def decode(
    invocation: Invocation, run: str, path: str, out: str | None, label: LabelOption, checkpoint: CheckpointOption
) -> None:
    """Write decoded.npz (`samples`: uint8 (n, h, w, c), or float32 (n, d) for vectors) and a grid, or PNG files."""
    outcome = Outcome(out, rundir.existing(run), "decoded", path, folder=True)
    codes, labels = read_codes(path)
    with trained(run, checkpoint, invocation.trust) as model:
        model.require("decode")
        classes = labels if label is None and model.strategy.label_dim else label
        images = model.images(model.with_labels(codes, classes))
        outcome.stream(model.spec, progress(images, "decoding", len(codes)), len(codes))


def read_codes(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The codes of an .npz, and the names of their classes where it holds `labels`."""
    file = given(path, "path")
    if not file.exists():
        near = did_you_mean(file.name, [other.name for other in file.parent.glob("*.npz")])
        raise UserError(f"path={path} is not there: give an .npz that holds `codes`, as genctl encode writes it.{near}")
    arrays = read_npz(file, ("codes",), ("labels",))
    return arrays["codes"], arrays.get("labels")
