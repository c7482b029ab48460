"""The phases of an autoencoder with a GAN: `autoencoder`, then `adversarial`, then (for some) `joint`."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

from genctl.compute.context import StepContext
from genctl.config.intervals import Steps
from genctl.config.schedules import NonNegativeScheduled, PositiveScheduled, at, in_phase, scheduled
from genctl.errors import UserError
from genctl.strategies.parts.strategy import OptimizerBuilder
from genctl.strategies.players.player import Loss

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

    def both(self, optimizer: OptimizerBuilder) -> OptimizerBuilder:
        """For a player of the second phase and the third."""
        rate = in_phase("joint", self.joint_learning_rate, self.adversarial_learning_rate)
        return functools.partial(optimizer, learning_rate=rate)

    def joint_loss(self, reconstruction: Loss, adversarial: Loss, context: StepContext) -> Loss:
        """The third phase's: the first phase's + lambda_2 times the generator's of the second."""
        loss = reconstruction[0] + at(self.adversarial_weight, context) * adversarial[0]
        logs = scheduled(context, adversarial_weight=self.adversarial_weight)
        return loss, {**reconstruction[1], **adversarial[1], **logs, "joint_loss": loss}


def phases_by_level(phases: Mapping[str, int], levels: int, level_steps: int) -> dict[str, int]:
    """Phases in which the levels join in one after another: `autoencoder_1` has the first alone, and so on.

    Each of these lasts `level_steps`, if that is not 0; the phase that has its plain name has all levels.
    """
    lengths: dict[str, int] = {}
    for name, length in phases.items():
        if length and level_steps and name != "joint":
            lengths |= {f"{name}_{level}": level_steps for level in range(1, levels)}
        lengths[name] = length
    return lengths


def taking_part(phase: str, levels: int) -> int:
    """How many levels, from the coarsest, take part in a phase that `phases_by_level` or its like has named."""
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


def span_of(phase: str, phases: Mapping[str, int], total: int) -> tuple[int, int]:
    """Where a phase of a run of `total` steps begins and ends; those in which levels join in are one with theirs."""

    def plain(name: str) -> str:
        return stem if (stem := name.rpartition("_")[0]) in phases else name

    names = list(phases)
    mine = [index for index, name in enumerate(names) if plain(name) == plain(phase)]
    first, end = (sum(list(phases.values())[:index]) for index in (mine[0], mine[-1] + 1))
    return first, total if names[mine[-1]] == names[-1] else min(end, total)
