"""How long a run lasts, in what portions, and where."""

import dataclasses
import math
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from genctl.errors import UserError


@dataclasses.dataclass(frozen=True)
class Trainer:
    """The settings of the loop.

    steps: optimizer steps in all; None: the sum of the model's phases.
    epochs: passes over the training split, which replace `steps` where given.
    batch_size: examples a step. device: auto, cpu, gpu or gpu:N.
    devices: how many of that device, or parts of a CPU, share every batch; all of a CPU are its cores.
    resident: whether the data are copied to the device, or read while it computes. xla: whether to compile with XLA.
    precision: Keras' policy for the networks; losses are float32.
    profile: the first step of a TensorFlow profile, and the step it ends at.
    on_nan: whether a loss or a gradient that is not finite stops the run, or rolls it back to its last good checkpoint,
        with other noise and with learning rates multiplied by `rollback_factor`, at most `rollbacks` times.
    monitor: what marks the best checkpoint; None: the strategy's own. patience: measurements of it in a row without a
        better value after which the run ends; None: never.
    """

    steps: PositiveInt | None
    epochs: PositiveFloat | None
    batch_size: PositiveInt
    device: str
    devices: PositiveInt | Literal["all"]
    workers: Literal["tf_config", "slurm"] | None
    resident: bool | Literal["auto"]
    xla: bool | Literal["auto"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    profile: Annotated[list[NonNegativeInt], Field(min_length=2, max_length=2)] | None
    on_nan: Literal["stop", "rollback"]
    rollbacks: PositiveInt
    rollback_factor: Annotated[float, Field(gt=0, le=1)]
    monitor: str | None = None
    patience: PositiveInt | None = None

    def __post_init__(self) -> None:
        if self.patience and self.workers:
            raise UserError(f"trainer.patience={self.patience} does not work with trainer.workers: leave one out.")
        if self.profile and self.profile[0] >= self.profile[1]:
            raise UserError(f"trainer.profile={self.profile}: give the first step, and a later one to end at.")

    def check_batch(self, examples: int) -> None:
        """Raise UserError where one batch is more than a training split of `examples`."""
        if self.batch_size > examples:
            raise UserError(
                f"trainer.batch_size={self.batch_size} is more than the {examples} examples of the training split: "
                f"use trainer.batch_size={examples} or less."
            )

    def total_steps(self, examples: int, phase_steps: int) -> int:
        """The run's length, for a training split of `examples` and phases of `phase_steps` in all."""
        if self.epochs is not None:
            return math.ceil(self.epochs * examples / self.batch_size)
        if not (total := self.steps or phase_steps):
            raise UserError(
                "trainer.steps=null: this model has no phases to add up; give trainer.steps or trainer.epochs."
            )
        return total
