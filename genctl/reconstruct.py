"""`genctl reconstruct`: images of the run's data set, encoded and decoded."""

from typing import Any, Literal

import numpy as np
from omegaconf import DictConfig
from pydantic import PositiveInt

from genctl import rundir
from genctl.errors import UserError
from genctl.instantiate import check_value
from genctl.invocation import Invocation
from genctl.outcome import Outcome
from genctl.trained import trained


def reconstruct(cfg: DictConfig, invocation: Invocation) -> None:
    """Write reconstructions.npz (keys `samples` and `originals`, uint8 (n, h, w, c)) and a grid of pairs as PNG."""
    options: dict[str, Any] = rundir.plain(cfg)
    check_value(options["n"], PositiveInt, "n")
    check_value(options["split"], Literal["train", "validation", "test"], "split")
    outcome = Outcome(options["out"], rundir.existing(options["run"]), "reconstructions")
    with trained(options["run"], options["checkpoint"], invocation.trust) as run:
        run.require("reconstruct")
        from genctl.data.sources import Streamed
        from genctl.sampling import Sampler

        split = run.dataset(invocation.trust).split(options["split"])
        if not split.size:
            raise UserError(f"split={options['split']} is empty in this run: choose another.")
        copies = Sampler(run.strategy).reconstructions(Streamed(split), options["n"])
        originals = split.take(np.arange(len(copies))).images
        outcome.write(run.spec, samples=[run.spec.to_stored(copies)], originals=[originals])
