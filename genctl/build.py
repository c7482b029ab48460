"""From a config to objects. No other module reads the config of a run."""

import dataclasses
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genctl import shortforms
from genctl.callbacks import Callback
from genctl.data.base import Dataset
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.instantiate import Node, Seed, builder, check_value, instantiate, locate, type_hints
from genctl.trainer import Trainer

if TYPE_CHECKING:
    from genctl.metrics.base import Metric
    from genctl.metrics.features.base import Extractor
    from genctl.strategies.base import NetworkBuilder, OptimizerBuilder, Strategy

ROLES = ("encoder", "decoder", "generator", "discriminator")
Config = Mapping[str, Any]
log = logging.getLogger("genctl")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What can be built, and so checked, before TensorFlow starts."""

    trainer: Trainer
    callbacks: Sequence[Callback]
    dataset: Dataset


def plan(config: Config, trust: Sequence[str]) -> Plan:
    """Build all but the model; read the data. Raises UserError for the first mistake."""
    check_value(config["seed"], Seed, "seed")
    trainer = instantiate(config["trainer"], "trainer", trust)
    turns = [callback(node, f"callbacks.{name}", config, trust) for name, node in config["callbacks"].items()]
    optimizer(config, trust)
    data = dataset(config, trust)
    trainer.check_batch(data.sizes["train"])
    return Plan(trainer, turns, data)


def callback(node: Config, key: str, config: Config, trust: Sequence[str]) -> Callback:
    """A callback; one that takes metrics is given those of the config."""
    if "metrics" not in inspect.signature(locate(node["_target_"], key, trust)).parameters:
        return instantiate(dict(node), key, trust)
    chosen, features = metrics(config, trust) if config.get("metrics") else ({}, None)
    return instantiate(dict(node), key, trust, metrics=chosen, features=features)


def dataset(config: Config, trust: Sequence[str]) -> Dataset:
    """Load the data and cut the splits: the settings that data sets share go to Dataset, the others to the loader."""
    splits, loader = divided(config["dataset"], Dataset)
    cut = builder(splits, "dataset", trust, provided=("source",))
    return cut(source=instantiate(loader, "dataset", trust))


def divided(node: Config, target: type) -> tuple[Node, Node]:
    """A node of its own for `target` with the settings that it takes, and the node with the others."""
    taken = inspect.signature(target).parameters
    own = {name: value for name, value in node.items() if name in taken}
    others = {name: value for name, value in node.items() if name not in taken}
    return {"_target_": f"{target.__module__}.{target.__name__}", **own}, others


def optimizer(config: Config, trust: Sequence[str]) -> "OptimizerBuilder":
    """A function that makes a player's optimizer; what it is given by name replaces the config's."""
    return builder(shortforms.with_schedules(config["optimizer"], "optimizer", trust), "optimizer", trust)


def strategy(config: Config, spec: Spec, trust: Sequence[str]) -> "Strategy":
    """Build networks, players and strategy. Every initial weight follows from the config's seed."""
    import keras

    target = locate(config["model"]["_target_"], "model", trust)
    roles = [role for role in ROLES if role in inspect.signature(target).parameters]
    for role in ROLES:
        if role in roles and not config.get(role):
            raise UserError(f"this model needs {role}=…, such as {role}=conv.")
        if role not in roles and config.get(role):
            raise UserError(f"{role}=… has no use here: the networks of {target.__name__} are {', '.join(roles)}.")
    keras.config.set_dtype_policy(config["trainer"]["precision"])
    keras.utils.set_random_seed(config["seed"])
    model, bundles = bundled(config["model"], target, trust)
    return instantiate(
        shortforms.with_schedules(model, "model", trust),
        "model",
        trust,
        spec=spec,
        optimizer=optimizer(config, trust),
        **{role: network(config[role], role, trust) for role in roles},
        **bundles,
    )


def bundled(model: Config, target: Any, trust: Sequence[str]) -> tuple[Node, dict[str, Any]]:
    """The model's settings without those that belong together; and these, by the target's name of each bundle.

    An argument that is annotated with a dataclass, such as a Game, takes the settings of that dataclass.
    """
    rest, bundles = dict(model), {}
    for name, kind in type_hints(target).items():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind is not Spec:
            own, rest = divided(rest, kind)
            bundles[name] = instantiate(shortforms.with_schedules(own, "model", trust), "model", trust)
    return rest, bundles


def metrics(config: Config, trust: Sequence[str]) -> "tuple[dict[str, Metric], Callable[..., Extractor] | None]":
    """The metrics by name, and what makes the feature network; None where the data decide."""
    built = {name: instantiate(node, f"metrics.{name}", trust) for name, node in (config.get("metrics") or {}).items()}
    if not built:
        raise UserError("no metric is chosen: say metrics=default, or name some.")
    node = config.get("features")
    return built, builder(node, "features", trust, provided=("evaluation",)) if node else None


def network(node: Config, role: str, trust: Sequence[str]) -> "NetworkBuilder":
    """A function that builds the network of a role between two shapes."""
    if "layers" in node:
        node = {
            **node,
            "layers": [shortforms.layer(item, f"{role}.layers[{i}]") for i, item in enumerate(node["layers"])],
        }
    build = builder(dict(node), role, trust, provided=("input_shape", "output_shape"))

    def named(input_shape: tuple[int, ...], output_shape: tuple[int, ...], several_sizes: bool = False) -> Any:
        try:
            model = in_float32(build(input_shape=input_shape, output_shape=output_shape))
        except UserError as error:
            raise UserError(str(error) if str(error).startswith(role) else f"{role}: {error}") from error
        if len(model.outputs) > 1 and not several_sizes:
            raise UserError(
                f"{role}: this network gives images of {len(model.outputs)} sizes, which is for model=msgan "
                "and model=aegan_multilevel."
            )
        return model

    return named


def in_float32(model: Any) -> Any:
    """The network with outputs in float32, which losses need whatever the networks compute in."""
    import keras

    if keras.config.dtype_policy().compute_dtype == "float32":
        return model
    cast = keras.layers.Activation("linear", dtype="float32", name="float32")
    return keras.Model(model.inputs, keras.tree.map_structure(cast, model.output), name=model.name)
