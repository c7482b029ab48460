"""`genctl sample`: new images from a trained run."""

from typing import Annotated

from pydantic import Field

from genctl.cli.verbs.opened import trained
from genctl.cli.verbs.options import CheckpointOption, LabelOption, progress
from genctl.cli.verbs.outputs import Outcome
from genctl.config.invocation import Invocation
from genctl.config.signatures import Count, Seed
from genctl.runs import rundir


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
    """Write samples.npz (`samples` (n, …) in the data's numbers, `range`, `labels`) and a grid, or PNG files."""
    outcome = Outcome(out, rundir.existing(run), "samples", folder=True)
    with trained(run, checkpoint, invocation.trust) as model:
        codes = model.draws(n, seed, label, temperature, truncation)
        labels = model.classes.names(model.classes.in_turn(label, n))
        outcome.stream(model.spec, progress(model.images(codes), "sampling", n), n, labels=labels)
