"""From a config to objects. No other module reads the config of a run."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genctl import shortforms
from genctl.callbacks import Callback
from genctl.data.base import Dataset
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.instantiate import Node, builder, building, locate, node_at
from genctl.signatures import type_hints
from genctl.trainer import Trainer

if TYPE_CHECKING:
    from genctl.metrics.base import Metric
    from genctl.metrics.features.base import Extractor
    from genctl.strategies.base import NetworkBuilder, OptimizerBuilder, Strategy

ROLES = ("encoder", "decoder", "generator", "discriminator")
PROVIDED = {"callbacks": ("metrics", "features"), "features": ("evaluation",)}  # what callers add, by place
Config = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What can be built, and so checked, before TensorFlow starts."""

    trainer: Trainer
    callbacks: Sequence[Callback]
    dataset: Dataset


def plan(config: Config, trust: Sequence[str]) -> Plan:
    """Build all but the model; read the data. Raises UserError for the first mistake."""
    trainer = component(config, "trainer", trust)()
    turns = [callback(config, name, trust) for name in config["callbacks"]]
    optimizer(config, trust)
    data = dataset(config, trust)
    trainer.check_batch(data.sizes["train"])
    return Plan(trainer, turns, data)


def check_unused(config: Config, trust: Sequence[str]) -> None:
    """Check what the use of a trained run does not build. Raises UserError for what genctl would not have stored."""
    keys = ["trainer", "dataset", *(f"callbacks.{name}" for name in config["callbacks"])]
    keys += [f"metrics.{name}" for name in config.get("metrics") or {}]
    for key in [*keys, *(["features"] if config.get("features") else [])]:
        component(config, key, trust)


def component(config: Config, key: str, trust: Sequence[str]) -> Callable[..., Any]:
    """Check the component at a key; return a function that builds it from what its callers add."""
    node = node_at(_holder(config, key), key)
    if key != "dataset":
        return builder(node, key, trust, PROVIDED.get(key.split(".")[0], ()))
    splits, loader = divided(node, Dataset)
    load = builder(loader, key, trust)
    cut = building(Dataset, splits, key, trust, provided=("source",))
    return lambda: cut(source=load())


def _holder(config: Config, key: str) -> Config:
    return config[key.split(".")[0]] if "." in key else config


def callback(config: Config, name: str, trust: Sequence[str]) -> Callback:
    """A callback; one that takes metrics is given those of the config."""
    key = f"callbacks.{name}"
    build = component(config, key, trust)
    if "metrics" not in inspect.signature(locate(config["callbacks"][name]["_target_"], key, trust)).parameters:
        return build()
    chosen, features = metrics(config, trust) if config.get("metrics") else ({}, None)
    return build(metrics=chosen, features=features)


def dataset(config: Config, trust: Sequence[str]) -> Dataset:
    """Load the data and cut the splits: the settings that data sets share go to Dataset, the others to the loader."""
    return component(config, "dataset", trust)()


def divided(settings: Config, target: type) -> tuple[Node, Node]:
    """The settings that `target` takes, and the others."""
    taken = inspect.signature(target).parameters
    own = {name: value for name, value in settings.items() if name in taken}
    return own, {name: value for name, value in settings.items() if name not in taken}


def optimizer(config: Config, trust: Sequence[str]) -> "OptimizerBuilder":
    """A function that makes a player's optimizer; what it is given by name replaces the config's."""
    node = node_at(config, "optimizer")
    target = locate(node.pop("_target_"), "optimizer", trust)
    return building(target, shortforms.with_schedules(target, node, "optimizer", trust), "optimizer", trust)


def strategy(config: Config, spec: Spec, trust: Sequence[str]) -> "Strategy":
    """Build networks, players and strategy. Every initial weight follows from the config's seed."""
    import keras

    node = node_at(config, "model")
    target = locate(node.pop("_target_"), "model", trust)
    networks = {role: network(node_at(config, role), role, trust) for role in _roles(config, target)}
    keras.config.set_dtype_policy(config["trainer"]["precision"])
    keras.utils.set_random_seed(config["seed"])
    settings, bundles = bundled(node, target, trust)
    provided = {"spec": spec, "optimizer": optimizer(config, trust), **networks, **bundles}
    settings = shortforms.with_schedules(target, settings, "model", trust)
    return building(target, settings, "model", trust, provided)(**provided)


def _roles(config: Config, target: Callable[..., Any]) -> list[str]:
    """The networks that a strategy takes. Raises UserError where the config has others."""
    roles = [role for role in ROLES if role in inspect.signature(target).parameters]
    for role in ROLES:
        if role in roles and not config.get(role):
            raise UserError(f"this model needs {role}=…, such as {role}=conv.")
        if role not in roles and config.get(role):
            raise UserError(f"{role}=… has no use here: the networks of {target.__name__} are {', '.join(roles)}.")
    return roles


def bundled(model: Config, target: Any, trust: Sequence[str]) -> tuple[Node, dict[str, Any]]:
    """The model's settings without those that belong together; and these, by the target's name of each bundle.

    An argument that is annotated with a dataclass, such as a Game, takes the settings of that dataclass.
    """
    rest, bundles = dict(model), {}
    for name, kind in type_hints(target).items():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind is not Spec:
            own, rest = divided(rest, kind)
            bundles[name] = building(kind, shortforms.with_schedules(kind, own, "model", trust), "model", trust)()
    return rest, bundles


def metrics(config: Config, trust: Sequence[str]) -> "tuple[dict[str, Metric], Callable[..., Extractor] | None]":
    """The metrics by name, and what makes the feature network; None where the data decide."""
    built = {name: component(config, f"metrics.{name}", trust)() for name in config.get("metrics") or {}}
    if not built:
        raise UserError("no metric is chosen: say metrics=default, or name some.")
    return built, component(config, "features", trust) if config.get("features") else None


def network(node: Node, role: str, trust: Sequence[str]) -> "NetworkBuilder":
    """A function that builds the network of a role between two shapes."""
    if isinstance(node.get("layers"), list):
        layers = [shortforms.layer(item, f"{role}.layers[{i}]") for i, item in enumerate(node["layers"])]
        node = {**node, "layers": layers}
    build = builder(node, role, trust, provided=("input_shape", "output_shape"))

    def named(input_shape: tuple[int, ...], output_shape: tuple[int, ...], several_sizes: bool = False) -> Any:
        try:
            model = in_float32(build(input_shape=input_shape, output_shape=output_shape))
        except UserError as error:
            where = "" if str(error).startswith(role) else f"{role}{'.' if str(error).startswith('layers[') else ': '}"
            raise UserError(f"{where}{error}") from error
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
