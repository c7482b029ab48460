"""`genctl invert`: codes whose images are nearest to given ones, for families without an encoder."""

from collections.abc import Iterator
from typing import Annotated, Unpack

import numpy as np
from pydantic import Field

from genctl.cli.verbs.inputs import Inputs, inputs
from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import OnImages
from genctl.cli.verbs.outputs import SHOWN, Outcome, ranged
from genctl.config.invocation import Invocation
from genctl.config.signatures import Count, Seed
from genctl.runs import rundir
from genctl.runs.grids import pairs
from genctl.runs.trained import Trained, joined


class Settings(OnImages):
    """See configs/invert.yaml."""

    n: Count
    steps: Count
    restarts: Annotated[int, Field(gt=0, le=1000)]
    learning_rate: Annotated[float, Field(gt=0, le=1000)]
    seed: Seed


def invert(invocation: Invocation, **wanted: Unpack[Settings]) -> None:
    """Write inversions.npz (`codes`, `samples`, `originals`, `errors`, `labels`) and a grid of pairs as PNG."""
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "inversions", wanted["path"])
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust, wanted["dataset"]) as run:
        run.require("sample")
        given = inputs(run, wanted["path"], wanted["split"], wanted["label"], invocation.trust)
        inversions = list(_inversions(run, given, wanted))
        codes, weights, errors = (np.concatenate(part) for part in zip(*inversions, strict=True))
        originals, copies = given.own(len(codes), run.spec), np.concatenate(list(run.images([(codes, weights)])))
        labels = None if given.labels is None else given.labels[: len(codes)]
        outcome.write(
            codes=codes, samples=copies, originals=originals, errors=errors, labels=labels, **ranged(run.spec)
        )
        if run.spec.is_image:
            outcome.picture(pairs(*map(run.spec.to_bytes, (originals[:SHOWN], copies[:SHOWN]))))


def _inversions(run: Trained, given: Inputs, wanted: Settings) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Best codes, weights of their classes, and errors, batch by batch; all restarts of a batch move together."""
    from genctl.cli.verbs.inversion import Inversion
    from genctl.data.batches import Streamed
    from genctl.runs.sampler import BATCH

    restarts = wanted["restarts"]
    count, size = min(wanted["n"], given.split.size), max(1, BATCH // restarts)
    search = Inversion(run.strategy, min(count, size) * restarts, wanted["steps"], wanted["learning_rate"])
    classes = given.classes(count).repeat(restarts)
    starts, weights = joined(run.sampler.draws(classes, wanted["seed"]))
    images = run.sampler.examples(Streamed(given.split), count, size)
    for first, examples in zip(range(0, count * restarts, size * restarts), images, strict=True):
        rows = slice(first, first + size * restarts)
        codes, errors = search(examples["image"].numpy().repeat(restarts, axis=0), starts[rows], weights[rows])
        errors = errors.reshape(-1, restarts)
        best = np.arange(len(errors)) * restarts + errors.argmin(axis=1)
        yield codes[best], weights[rows][best], errors.min(axis=1)
