"""`genctl sample`: new images from a trained run."""

from typing import Any

from omegaconf import DictConfig
from pydantic import PositiveInt
from rich.progress import track

from genctl import rundir
from genctl.instantiate import Seed, check_value
from genctl.invocation import Invocation
from genctl.outcome import Outcome
from genctl.trained import trained


def sample(cfg: DictConfig, invocation: Invocation) -> None:
    """Write samples.npz (key `samples`: uint8 (n, h, w, c), or float32 (n, d) for vectors) and a grid as PNG."""
    options: dict[str, Any] = rundir.plain(cfg)
    check_value(options["n"], PositiveInt, "n")
    check_value(options["seed"], Seed, "seed")
    outcome = Outcome(options["out"], rundir.existing(options["run"]), "samples")
    with trained(options["run"], options["checkpoint"], invocation.trust) as run:
        run.require("sample")
        from genctl.sampling import BATCH, Sampler

        label = run.label(options["label"])
        batches = Sampler(run.strategy).sample_batches(options["n"], options["seed"], label)
        total = -(-options["n"] // BATCH)
        shown = track(batches, "sampling", total, console=run.output.console, transient=True, disable=total < 4)
        outcome.write(run.spec, samples=[run.spec.to_stored(batch) for batch in shown])
