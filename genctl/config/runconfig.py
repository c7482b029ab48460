"""The config of a run: what `genctl train` takes, and what config.yaml holds."""

from typing import Any, NotRequired, TypedDict

from genctl.config.signatures import Seed

Section = dict[str, Any]  # a component, or several by name, whose own signatures say what they take


class RunConfig(TypedDict):
    """Every key that the config of a run may have. name: of its directory below `outputs`; None: one is made."""

    name: str | None
    outputs: str
    seed: Seed
    dataset: Section
    trainer: Section
    callbacks: Section
    optimizer: Section
    model: Section
    metrics: NotRequired[Section | None]
    features: NotRequired[Section | None]
    encoder: NotRequired[Section | None]
    decoder: NotRequired[Section | None]
    generator: NotRequired[Section | None]
    discriminator: NotRequired[Section | None]
