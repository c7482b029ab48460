"""The phases of an autoencoder with a GAN: `autoencoder`, then `adversarial`, then (for some) `joint`."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import NonNegativeInt

from genctl.errors import UserError
from genctl.schedules import PositiveScheduled, switched
from genctl.strategies.base import OptimizerBuilder

TwoPhases = dict[Literal["autoencoder", "adversarial"], NonNegativeInt]
ThreePhases = dict[Literal["autoencoder", "adversarial", "joint"], NonNegativeInt]


@dataclasses.dataclass(frozen=True)
class Stages:
    """The settings of three phases, as a model's config gives them.

    phases: steps of each. autoencoder: the run whose weights encoder and decoder begin with; None: new ones.
    The learning rate of the first phase is the optimizer's.
    """

    phases: ThreePhases
    autoencoder: str | None
    adversarial_learning_rate: PositiveScheduled
    joint_learning_rate: PositiveScheduled

    def adversarial(self, optimizer: OptimizerBuilder) -> OptimizerBuilder:
        """For a player of the second phase alone."""
        return functools.partial(optimizer, learning_rate=self.adversarial_learning_rate)

    def joint(self, optimizer: OptimizerBuilder) -> OptimizerBuilder:
        """For a player of the third phase alone."""
        return functools.partial(optimizer, learning_rate=self.joint_learning_rate)

    def both(self, optimizer: OptimizerBuilder) -> OptimizerBuilder:
        """For a player of the second and the third phase."""
        end = self.phases["autoencoder"] + self.phases["adversarial"]
        rate = switched(self.adversarial_learning_rate, self.joint_learning_rate, end)
        return functools.partial(optimizer, learning_rate=rate)


def in_order(phases: Mapping[Any, int], autoencoder: str | None) -> dict[str, int]:
    """The lengths in the order of training.

    autoencoder: the run whose weights encoder and decoder begin with; None: new ones. Raises UserError where the
    autoencoder is to stand still in phase adversarial though nothing has trained it.
    """
    known = {name: phases[name] for name in ("autoencoder", "adversarial", "joint") if name in phases}
    if known["autoencoder"] or autoencoder or (not known["adversarial"] and "joint" in known):
        return known
    joint = ", or model.phases.adversarial=0 to train all networks at once" if "joint" in known else ""
    raise UserError(
        "model.phases.autoencoder=0: in phase adversarial the autoencoder stands still, so it must be trained before. "
        f"Give model.phases.autoencoder some steps, or a finished run as model.autoencoder=RUN{joint}."
    )
