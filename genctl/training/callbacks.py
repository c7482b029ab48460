"""Things to do every so many steps: callables of the run, with an attribute `every_steps`.

A callback may also say that it is wanted `at_phase_end`, `at_best` (a new best validation) and `at_end` of training.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from genctl.runs import checkpoint
from genctl.runs.grids import grid, pairs, png
from genctl.strategies.parts import priors

if TYPE_CHECKING:
    from genctl.training.run import Run

Callback = Callable[["Run"], None]
log = logging.getLogger("genctl")


def is_wanted(callback: Callback, run: "Run") -> bool:
    """Whether the callback has its turn at the run's step; at the end, only what the step did not bring anyway."""
    every = getattr(callback, "every_steps", 0)
    due = bool(every) and run.step % every == 0
    if getattr(callback, "at_best", False) and run.best and run.best["step"] == run.step:
        return True
    if run.ended:
        return getattr(callback, "at_end", False) and not due
    return due or (getattr(callback, "at_phase_end", False) and run.step in run.strategy.phase_ends())


class Log:
    """Write the means of the training logs since the last time, and warn where they tell that the run is ill."""

    at_phase_end = True
    at_end = True

    def __init__(self, every_steps: PositiveInt) -> None:
        self.every_steps = every_steps

    def __call__(self, run: "Run") -> None:
        averages = run.averages[run.phase_done]
        if values := averages.means():
            record(run, "train", values)
            run.board.scalars("train", run.step, {"images_per_second": run.images_per_second} | run.memory())
            run.board.flush()
            run.health(run.step - averages.count, run.step, values)
        if not run.ended:
            averages.reset()


class Validate:
    """Write the means of the strategy's evaluation over the validation split."""

    measures = "validation"

    def __init__(self, every_steps: NonNegativeInt) -> None:
        self.every_steps = every_steps
        self.at_end = every_steps > 0

    def __call__(self, run: "Run") -> None:
        if not run.validation.size:
            return
        record(run, "validation", run.validate())


class FitPrior:
    """Fit a prior to the codes of training images once training has ended, where the strategy draws from one."""

    every_steps = 0
    at_end = True

    def __call__(self, run: "Run") -> None:
        strategy = run.strategy
        if not strategy.prior_components:
            return
        parts = zip(*run.sampler.encoded(run.train, priors.CODES), strict=True)
        codes, labels = (np.concatenate(part) for part in parts)
        if len(codes) < 2:
            log.warning("no prior is fitted to the code of a single example: this run will not sample.")
            return
        strategy.prior = priors.fit(codes, labels, strategy.prior_components, run.step, run.seed)
        strategy.prior.save(run.directory)


class Images:
    """Draw samples of the same noise every time, and validation images beside their reconstructions."""

    def __init__(self, every_steps: NonNegativeInt, count: Annotated[int, Field(gt=0, le=10_000)]) -> None:
        self.every_steps, self.count = every_steps, count
        self.at_end = every_steps > 0

    def __call__(self, run: "Run") -> None:
        from genctl.data.batches import batch
        from genctl.data.spec import as_bytes

        spec, strategy = run.dataset.spec, run.strategy
        if not spec.is_image:
            return
        if strategy.can("sample"):
            self._show(run, "samples", grid(as_bytes(run.sampler.samples(self.count, run.seed))))
        if strategy.can("reconstruct"):
            data = run.validation if run.validation.size else run.train
            count = min(max(1, self.count // 2), data.size)
            originals = batch(data.take(np.arange(count, dtype=np.int32)), spec)["image"]
            copies = run.sampler.reconstructions(data, count)
            self._show(run, "reconstructions", pairs(as_bytes(originals.numpy()), as_bytes(copies)))

    def _show(self, run: "Run", name: str, picture: Any) -> None:
        path = run.directory / "samples" / f"{name}-{run.step:07d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(picture))
        run.board.image(name, run.step, picture)


class Checkpoint:
    """Save all state every so many steps, at the end, and where validation is best; delete old ones but the best."""

    at_end = True
    at_best = True

    def __init__(self, every_steps: NonNegativeInt, keep: PositiveInt) -> None:
        self.every_steps, self.keep = every_steps, keep

    def __call__(self, run: "Run") -> None:
        run.save()
        best_step = run.best["step"] if run.best else None
        checkpoint.prune(run.directory / "checkpoints", run.step, self.keep, best_step)


def record(run: "Run", split: str, values: dict[str, float]) -> None:
    """Write numbers to metrics.jsonl and TensorBoard; there, each of several phases has charts under its own name."""
    keep(run, split, values)
    prefix = f"{run.phase_done}/" if len(run.strategy.phases) > 1 else ""
    run.board.scalars(split, run.step, {f"{prefix}{name}": value for name, value in values.items()})


def keep(run: "Run", split: str, values: dict[str, float]) -> None:
    """Write numbers to metrics.jsonl, and let the monitor see them.

    The best is looked for in the last phase alone: what comes before is preparation.
    """
    run.latest[split] = values
    run.journal.append({"step": run.step, "phase": run.phase_done, "split": split, **values})
    if run.phase_done == list(run.strategy.phases)[-1]:
        run.monitor.see(run.step, split, values, counts=not run.ended)
