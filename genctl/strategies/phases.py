"""The phases of an autoencoder with a GAN: `autoencoder`, then `adversarial`, then (for some) `joint`."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

from genctl.context import StepContext
from genctl.errors import UserError
from genctl.player import Loss
from genctl.ranges import Steps
from genctl.schedules import NonNegativeScheduled, PositiveScheduled, at, scheduled, switched
from genctl.strategies.base import OptimizerBuilder

TwoPhases = dict[Literal["autoencoder", "adversarial"], Steps]
ThreePhases = dict[Literal["autoencoder", "adversarial", "joint"], Steps]


@dataclasses.dataclass(frozen=True)
class Stages:
    """The settings of three phases, as a model's config gives them.

    phases: steps of each. autoencoder: the run whose weights encoder and decoder begin with; None: new ones.
    adversarial_weight: lambda_2. The learning rate of the first phase is the optimizer's.
    """

    phases: ThreePhases
    autoencoder: str | None
    adversarial_weight: NonNegativeScheduled
    adversarial_learning_rate: PositiveScheduled
    joint_learning_rate: PositiveScheduled

    def adversarial(self, optimizer: OptimizerBuilder) -> OptimizerBuilder:
        """For a player of the second phase alone."""
        return functools.partial(optimizer, learning_rate=self.adversarial_learning_rate)

    def joint(self, optimizer: OptimizerBuilder) -> OptimizerBuilder:
        """For a player of the third phase alone."""
        return functools.partial(optimizer, learning_rate=self.joint_learning_rate)

    def both(self, optimizer: OptimizerBuilder, end: int) -> OptimizerBuilder:
        """For a player of the second phase, which ends at step `end`, and the third."""
        rate = switched(self.adversarial_learning_rate, self.joint_learning_rate, end)
        return functools.partial(optimizer, learning_rate=rate)

    def joint_loss(self, reconstruction: Loss, adversarial: Loss, context: StepContext) -> Loss:
        """The third phase's: the first phase's + lambda_2 times the generator's of the second."""
        loss = reconstruction[0] + at(self.adversarial_weight, context.step) * adversarial[0]
        logs = scheduled(context.step, adversarial_weight=self.adversarial_weight)
        return loss, {**reconstruction[1], **adversarial[1], **logs, "joint_loss": loss}


def grown(phases: Mapping[str, int], levels: int, level_steps: int) -> dict[str, int]:
    """Phases in which the levels join in one after another: `autoencoder_1` has the first alone, and so on.

    Each of these lasts `level_steps`, if that is not 0; the phase that has its plain name has all levels.
    """
    found: dict[str, int] = {}
    for name, length in phases.items():
        if length and level_steps and name != "joint":
            found |= {f"{name}_{level}": level_steps for level in range(1, levels)}
        found[name] = length
    return found


def taking_part(phase: str, levels: int) -> int:
    """How many levels, from the coarsest, take part in a phase that `grown` or its like has named."""
    level = phase.rpartition("_")[2]
    return int(level) if level.isdecimal() else levels


def in_order(phases: Mapping[Any, int], autoencoder: str | None) -> dict[str, int]:
    """The lengths in the order of training.

    autoencoder: the run whose weights encoder and decoder begin with; None: new ones. Raises UserError where no phase
    has a step, or where the autoencoder is to stand still in phase adversarial though nothing has trained it.
    """
    known = {name: phases[name] for name in ("autoencoder", "adversarial", "joint") if name in phases}
    if not any(known.values()):
        lengths = ", ".join(f"{name}: {length}" for name, length in known.items())
        raise UserError(f"model.phases={{{lengths}}}: no phase has a step: give at least one of them some steps.")
    if known["autoencoder"] or autoencoder or (not known["adversarial"] and "joint" in known):
        return known
    joint = ", or model.phases.adversarial=0 to train all networks at once" if "joint" in known else ""
    raise UserError(
        "model.phases.autoencoder=0: in phase adversarial the autoencoder stands still, so it must be trained before. "
        f"Give model.phases.autoencoder some steps, or a finished run as model.autoencoder=RUN{joint}."
    )
