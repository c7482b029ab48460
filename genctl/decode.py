"""`genctl decode`: the images of codes."""

from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from genctl import rundir
from genctl.data.formats import read_npz, reading
from genctl.errors import UserError, did_you_mean
from genctl.invocation import Invocation
from genctl.options import LabelOption, options, progress
from genctl.outcome import Outcome
from genctl.trained import trained


def decode(cfg: DictConfig, invocation: Invocation) -> None:
    """Write decoded.npz (`samples`: uint8 (n, h, w, c), or float32 (n, d) for vectors) and a grid, or PNG files."""
    wanted = options(cfg, path=str, label=LabelOption)
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "decoded", folder=True)
    codes, labels = read_codes(wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust) as run:
        run.require("decode")
        label = labels if wanted["label"] is None and run.strategy.label_dim else wanted["label"]
        images = run.images(run.with_labels(codes, label))
        outcome.stream(run.spec, progress(images, "decoding", len(codes)), len(codes))


def read_codes(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The codes of an .npz, and the names of their classes where it holds `labels`."""
    file = Path(path).expanduser()
    if not file.is_file():
        near = did_you_mean(file.name, [other.name for other in file.parent.glob("*.npz")])
        raise UserError(f"path={path} is not there: give an .npz that holds `codes`, as genctl encode writes it.{near}")
    codes = read_npz(file, ("codes",))["codes"]
    with reading(file), np.load(file, allow_pickle=False) as arrays:
        return codes, arrays.get("labels")
