"""How long a run lasts, in what portions, and where."""

import dataclasses
import math
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt

from genctl.config.better import Better
from genctl.config.intervals import PositiveSteps, Steps
from genctl.errors import UserError

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import Strategy

MOST_EPOCHS = 10**6
MOST_PROFILED = 1000  # steps of a profile, which is kept in memory until it ends


def _known_device(name: str) -> str:
    if not re.fullmatch("auto|cpu|gpu(:(0|[1-9][0-9]{0,3}))?", name):
        raise ValueError("choose auto, cpu, gpu or gpu:N")
    return name


Device = Annotated[str, AfterValidator(_known_device)]


@dataclasses.dataclass(frozen=True)
class Trainer:
    """The settings of the loop.

    steps: optimizer steps in all; None: the sum of the model's phases.
    epochs: passes over the training split, which replace `steps` where given; part of a step counts as one.
    batch_size: examples that a player learns from at once. device: auto, cpu, gpu or gpu:N.
    devices: how many of that device, or parts of a CPU, share every batch; all of a CPU are its cores.
    workers: what names the processes that share every batch; each uses all GPUs that it sees, or its CPU.
    wait_seconds: how long these wait for each other at the start.
    resident: whether the data are copied to the device, or read while it computes. xla: whether to compile with XLA.
    precision: Keras' policy for the networks; losses are float32.
    profile: the first step of a TensorFlow profile, and the step it ends at.
    on_nan: whether a loss or a gradient that is not finite stops the run, or rolls it back to its last good checkpoint,
        with other noise and with learning rates multiplied by `rollback_factor`, at most `rollbacks` times.
    monitor: what marks the best checkpoint; None: the strategy's own. monitor_better: which of its values are the
        better ones; None: what the strategy or the metric says. patience: measurements of it in a row without a better
        value after which the run ends; None: never.
    """

    steps: PositiveSteps | None
    epochs: Annotated[float, Field(gt=0, le=MOST_EPOCHS)] | None
    batch_size: PositiveInt
    device: Device
    devices: PositiveInt | Literal["all"]
    workers: Literal["tf_config", "slurm"] | None
    resident: bool | Literal["auto"]
    xla: bool | Literal["auto"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    profile: Annotated[list[Steps], Field(min_length=2, max_length=2)] | None
    on_nan: Literal["stop", "rollback"]
    rollbacks: PositiveInt
    rollback_factor: Annotated[float, Field(gt=0, le=1)]
    monitor: str | None = None
    monitor_better: Better | None = None
    patience: PositiveSteps | None = None
    wait_seconds: Annotated[float, Field(gt=0, le=86400)] = 60.0

    def __post_init__(self) -> None:
        if self.profile:
            self._check_profile(*self.profile)
        if self.workers:
            self._check_workers()
        if self.devices != "all" and self.devices > self.batch_size:
            raise UserError(
                f"trainer.devices={self.devices} cannot share the {self.batch_size} examples of a batch: use "
                f"trainer.devices={self.batch_size} or less, or a larger trainer.batch_size."
            )

    def _check_profile(self, first: int, last: int) -> None:
        if first >= last:
            raise UserError(f"trainer.profile={self.profile}: give the first step, and a later one to end at.")
        if self.epochs is None and self.steps is not None and first >= self.steps:
            raise UserError(f"trainer.profile={self.profile} begins after the last step, trainer.steps={self.steps}.")
        if last - first > MOST_PROFILED:
            raise UserError(
                f"trainer.profile={self.profile} is of {last - first:,} steps, which are more than fit into one "
                f"profile: {MOST_PROFILED:,} are the most, such as [{first}, {first + 100}]."
            )

    def _check_workers(self) -> None:
        if self.patience:
            raise UserError(f"trainer.patience={self.patience} does not work with trainer.workers: leave one out.")
        if self.devices != 1:
            raise UserError(
                f"trainer.devices={self.devices} does not work with trainer.workers, where each process uses all GPUs "
                "that it sees, or its CPU: leave trainer.devices out."
            )
        if ":" in self.device:
            raise UserError(
                f"trainer.device={self.device} does not work with trainer.workers, where each process uses all GPUs "
                "that it sees: use trainer.device=gpu, and choose GPUs by the variable CUDA_VISIBLE_DEVICES."
            )

    def check_batch(self, examples: int) -> None:
        """Raise UserError where one batch is more than a training split of `examples`."""
        if self.batch_size > examples:
            raise UserError(
                f"trainer.batch_size={self.batch_size} is more than the {examples} examples of the training split: "
                f"use trainer.batch_size={examples} or less."
            )

    def examples_per_step(self, strategy: "Strategy") -> int:
        """The training examples that one step sees: one batch, or one for each turn of a discriminator."""
        return self.batch_size * strategy.batches

    def total_steps(self, examples: int, strategy: "Strategy") -> int:
        """The run's length, for a training split of `examples`. Raises UserError where nothing says it."""
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * examples / self.examples_per_step(strategy)))
        if not (total := self.steps or sum(strategy.phases.values())):
            raise UserError(
                "trainer.steps=null: this model has no phases to add up; give trainer.steps or trainer.epochs."
            )
        return total
