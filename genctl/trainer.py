"""How long a run lasts, in what portions, and where."""

import dataclasses
import math

from pydantic import PositiveFloat, PositiveInt

from genctl.errors import UserError


@dataclasses.dataclass(frozen=True)
class Trainer:
    """The settings of the loop.

    steps: optimizer steps in all; epochs: passes over the training split, which replace `steps` where given.
    batch_size: examples a step. device: auto, cpu, gpu or gpu:N.
    """

    steps: PositiveInt
    epochs: PositiveFloat | None
    batch_size: PositiveInt
    device: str

    def total_steps(self, examples: int) -> int:
        """The run's length for a training split of `examples`. Raises UserError where one batch is more than that."""
        if self.batch_size > examples:
            raise UserError(
                f"trainer.batch_size={self.batch_size} is more than the {examples} examples of the training split: "
                f"use trainer.batch_size={examples} or less."
            )
        if self.epochs is None:
            return self.steps
        return math.ceil(self.epochs * examples / self.batch_size)
