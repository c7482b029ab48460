"""Networks in full precision, which every format has."""

import dataclasses
from collections.abc import Sequence

from genctl.runs import build
from genctl.runs.trained import Trained

FULL = "float32"


def in_float32(run: Trained, trust: Sequence[str]) -> Trained:
    """The run, with networks that compute in float32 and have the same weights, whatever they were trained in."""
    if run.config["trainer"]["precision"] == FULL:
        return run
    config = {**run.config, "trainer": {**run.config["trainer"], "precision": FULL}}
    strategy = build.strategy(config, run.spec, trust)
    strategy.prior = run.strategy.prior
    for role, network in strategy.networks.items():
        network.set_weights(run.networks[role].get_weights())
    return dataclasses.replace(run, config=config, strategy=strategy)
