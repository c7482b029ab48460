"""`genctl sample`: new images from a trained run."""

from typing import Annotated

from pydantic import Field

from genctl import rundir
from genctl.invocation import Invocation
from genctl.options import CheckpointOption, LabelOption, progress
from genctl.outcome import Outcome
from genctl.signatures import Count, Seed
from genctl.trained import trained


def sample(
    invocation: Invocation,
    run: str,
    n: Count,
    out: str | None,
    seed: Seed,
    label: LabelOption,
    temperature: Annotated[float, Field(ge=0, le=1000)],
    truncation: Annotated[float, Field(ge=1e-6)] | None,
    checkpoint: CheckpointOption,
) -> None:
    """Write samples.npz (`samples`: uint8 (n, h, w, c) or float32 (n, d); `labels`) and a grid, or PNG files."""
    outcome = Outcome(out, rundir.existing(run), "samples", folder=True)
    with trained(run, checkpoint, invocation.trust) as model:
        codes = model.draws(n, seed, label, temperature, truncation)
        labels = model.classes.names(model.classes.in_turn(label, n))
        outcome.stream(model.spec, progress(model.images(codes), "sampling", n), n, labels=labels)
