"""What of a run can be built, and so checked, before TensorFlow starts."""

import dataclasses
import inspect
from collections.abc import Sequence

from genctl.config.instantiate import locate
from genctl.data.dataset import Dataset
from genctl.runs import build
from genctl.runs.build import Config
from genctl.training.callbacks import Callback
from genctl.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Plan:
    """All of a run but its model."""

    trainer: Trainer
    callbacks: Sequence[Callback]
    dataset: Dataset


def plan(config: Config, trust: Sequence[str]) -> Plan:
    """Build all but the model; read the data. Raises UserError for the first mistake."""
    trainer = build.component(config, "trainer", trust)()
    callbacks = [_callback(config, name, trust) for name in config["callbacks"]]
    build.optimizer(config, trust)
    dataset = build.dataset(config, trust)
    trainer.check_batch(dataset.sizes["train"])
    return Plan(trainer, callbacks, dataset)


def _callback(config: Config, name: str, trust: Sequence[str]) -> Callback:
    """A callback; one that takes metrics is given those of the config."""
    key = f"callbacks.{name}"
    make = build.component(config, key, trust)
    if "metrics" not in inspect.signature(locate(config["callbacks"][name]["_target_"], key, trust)).parameters:
        return make()
    metrics, features = build.metrics(config, trust) if config.get("metrics") else ({}, None)
    return make(metrics=metrics, features=features)
