"""`genctl traverse`: what each number of a code does to the image."""

import logging
from typing import Annotated, Unpack

import numpy as np
from pydantic import Field

from genctl.cli.verbs.inputs import Inputs, inputs
from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import FrameCount, OnImages
from genctl.cli.verbs.outputs import Outcome
from genctl.config.invocation import Invocation
from genctl.config.signatures import Count, Seed
from genctl.errors import UserError
from genctl.runs import rundir
from genctl.runs.trained import Trained, joined

MEASURED = 2048  # examples from which means, deviations and rates are estimated
log = logging.getLogger("genctl")


class Settings(OnImages):
    """See configs/traverse.yaml."""

    n: Count
    frames: FrameCount
    range: Annotated[float, Field(gt=0, le=1000)]
    seed: Seed | None


def traverse(invocation: Invocation, **wanted: Unpack[Settings]) -> None:
    """Write traversals.npz (`samples` (n, frames, …), `dimensions`, `rates` in nats), rows as PNG, and a WebP.

    Raises UserError for two places to start from.
    """
    if wanted["path"] is not None and wanted["seed"] is not None:
        raise UserError("path=… and seed=… both say where to start from: leave one of the two out.")
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "traversals", wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust, wanted["dataset"]) as run:
        run.require("decode")
        data = _data(run, wanted, invocation)
        mean, deviation = _moments(run, data)
        rates = _rates(run, data)
        order = np.arange(len(mean)) if rates is None else np.argsort(-rates, kind="stable")
        order = order[: wanted["n"]]
        code, weights = _start(run, wanted, mean, invocation)
        codes = np.tile(code, (len(order), wanted["frames"], 1))
        for row, number in enumerate(order):
            steps = np.linspace(-wanted["range"], wanted["range"], wanted["frames"])
            codes[row, :, number] = mean[number] + deviation[number] * steps
        labels = np.broadcast_to(weights, (*codes.shape[:2], weights.shape[-1]))
        outcome.write_films(run, codes, labels, dimensions=order, rates=None if rates is None else rates[order])


def _data(run: Trained, wanted: Settings, invocation: Invocation) -> Inputs | None:
    """The run's data, where the family encodes and they can be had; without them dimensions go by their number."""
    if not run.strategy.can("encode"):
        return None
    try:
        return inputs(run, None, wanted["split"] or "train", None, invocation.trust)
    except UserError as error:
        if not run.strategy.can("sample"):
            raise
        log.warning("%s Dimensions are in the order of their numbers.", error)
        return None


def _rates(run: Trained, data: Inputs | None) -> np.ndarray | None:
    """The mean KL divergence of each number of a code, where the family has one and there are data."""
    from genctl.data.batches import Streamed

    if data is None or not run.strategy.can("rank"):
        return None
    return run.sampler.rates(Streamed(data.split), MEASURED)


def _moments(run: Trained, data: Inputs | None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each number of a code, (code_dim,): of new codes, or of the data's."""
    if run.strategy.can("sample"):
        codes, _ = joined(run.draws(MEASURED, seed=0))
    else:
        assert data is not None
        codes, _ = joined(run.codes(data.split, MEASURED))
    return codes.mean(axis=0), codes.std(axis=0)


def _start(run: Trained, wanted: Settings, mean: np.ndarray, invocation: Invocation) -> tuple[np.ndarray, np.ndarray]:
    """The code (1, code_dim) that all rows start from, an image's, a sample's or the mean, and its class' weights."""
    if wanted["path"] is not None:
        run.require("reconstruct")
        given = inputs(run, wanted["path"], None, wanted["label"], invocation.trust)
        return joined(run.codes(given.split, 1))
    if wanted["seed"] is not None:
        return joined(run.draws(1, wanted["seed"], wanted["label"]))
    return mean[None], run.classes.weights(run.classes.in_turn(wanted["label"], 1))
