"""`genctl sample`: new images from a trained run."""

from omegaconf import DictConfig
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from genctl import rundir
from genctl.instantiate import Seed
from genctl.invocation import Invocation
from genctl.options import LabelOption, options, progress
from genctl.outcome import Outcome
from genctl.trained import trained


def sample(cfg: DictConfig, invocation: Invocation) -> None:
    """Write samples.npz (`samples`: uint8 (n, h, w, c) or float32 (n, d); `labels`) and a grid, or PNG files."""
    wanted = options(
        cfg,
        n=PositiveInt,
        seed=Seed,
        label=LabelOption,
        temperature=NonNegativeFloat,
        truncation=PositiveFloat | None,
    )
    outcome = Outcome(wanted["out"], rundir.existing(wanted["run"]), "samples", folder=True)
    with trained(wanted["run"], wanted["checkpoint"], invocation.trust) as run:
        n, label = wanted["n"], wanted["label"]
        codes = run.draws(n, wanted["seed"], label, wanted["temperature"], wanted["truncation"])
        labels = run.classes.names(run.classes.in_turn(label, n))
        outcome.stream(run.spec, progress(run.images(codes), "sampling", n), n, labels=labels)
