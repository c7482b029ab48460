"""From a config to objects. No other module reads the config of a run."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genctl.config import shorthand
from genctl.config.instantiate import Node, builder, building, locate, node_at
from genctl.config.signatures import type_hints
from genctl.data.dataset import Dataset
from genctl.data.spec import Spec
from genctl.errors import UserError

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import NetworkBuilder, OptimizerBuilder, Strategy

ROLES = ("encoder", "decoder", "generator", "discriminator")
PROVIDED = {"callbacks": ("metrics", "features"), "features": ("evaluation",)}  # what callers add, by place
Config = Mapping[str, Any]


def check_unused(config: Config, trust: Sequence[str]) -> None:
    """Check what the use of a trained run does not build. Raises UserError for what genctl would not have stored."""
    keys = ["trainer", "dataset", *(f"callbacks.{name}" for name in config["callbacks"])]
    keys += [f"metrics.{name}" for name in config.get("metrics") or {}]
    for key in [*keys, *(["features"] if config.get("features") else [])]:
        component(config, key, trust)


def component(config: Config, key: str, trust: Sequence[str]) -> Callable[..., Any]:
    """Check the component at a key; return a function that builds it from what its callers add."""
    holder = config[key.split(".")[0]] if "." in key else config
    node = node_at(holder, key)
    if key != "dataset":
        return builder(node, key, trust, PROVIDED.get(key.split(".")[0], ()))
    splits, loader = divided(node, Dataset)
    load = builder(loader, key, trust)
    cut = building(Dataset, splits, key, trust, provided=("source",))
    return lambda: cut(source=load())


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
    return building(target, shorthand.with_schedules(target, node, "optimizer", trust), "optimizer", trust)


def strategy(config: Config, spec: Spec, trust: Sequence[str]) -> "Strategy":
    """Build networks, players and strategy. Every initial weight follows from the config's seed.

    Raises UserError for networks that do not fit.
    """
    import keras

    node = node_at(config, "model")
    target = locate(node.pop("_target_"), "model", trust)
    networks = {role: network(node_at(config, role), role, trust) for role in _roles(config, target)}
    keras.config.set_dtype_policy(config["trainer"]["precision"])
    keras.utils.set_random_seed(config["seed"])
    settings, bundles = bundled(node, target, trust)
    provided = {"spec": spec, "optimizer": optimizer(config, trust), **networks, **bundles}
    settings = shorthand.with_schedules(target, settings, "model", trust)
    strategy: Strategy = building(target, settings, "model", trust, provided)(**provided)
    if not strategy.players:
        raise UserError(
            f"model: {target.__name__} declares no player, so that nothing would be trained or stored: let its "
            "constructor end with self.declare(player, …, encoder=…)."
        )
    return strategy


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
            bundles[name] = building(kind, shorthand.with_schedules(kind, own, "model", trust), "model", trust)()
    return rest, bundles


def metrics(config: Config, trust: Sequence[str]) -> tuple[dict[str, Any], Callable[..., Any] | None]:
    """The metrics (see metrics/evaluation.py) by name, and what makes the feature network; None: the data decide.

    Raises UserError where none is chosen.
    """
    built = {name: component(config, f"metrics.{name}", trust)() for name in config.get("metrics") or {}}
    if not built:
        raise UserError("no metric is chosen: say metrics=default, or name some.")
    return built, component(config, "features", trust) if config.get("features") else None


def network(node: Node, role: str, trust: Sequence[str]) -> "NetworkBuilder":
    """A function that builds the network of a role between two shapes."""
    if isinstance(node.get("layers"), list):
        layers = [shorthand.layer(item, f"{role}.layers[{i}]") for i, item in enumerate(node["layers"])]
        node = {**node, "layers": layers}
    build = builder(node, role, trust, provided=("input_shape", "output_shape"))

    def named(input_shape: tuple[int, ...], output_shape: tuple[int, ...], several_sizes: bool = False) -> Any:
        from genctl.networks.precision import with_float32_outputs

        try:
            model = with_float32_outputs(build(input_shape=input_shape, output_shape=output_shape))
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
