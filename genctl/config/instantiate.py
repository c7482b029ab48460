"""Turning `_target_` nodes into objects: the only place that imports names which a config gives.

A name must be on the closed list of its place (see allowed.py), or below a package that the command line trusts.
"""

import importlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from genctl.config.allowed import EVERY, names_at
from genctl.config.signatures import check_arguments, check_value, is_component, shown, type_hints
from genctl.errors import UserError, did_you_mean, first_few, first_line

Node = dict[str, Any]


def instantiate(node: Node, key: str, trust: Collection[str] = (), **provided: Any) -> Any:
    """Call the node's `_target_` with the node's values and `provided`.

    key: the node's place in the config, for messages. Raises UserError for any value that the signature refuses.
    """
    return builder(node, key, trust, provided)(**provided)


def builder(node: Node, key: str, trust: Collection[str] = (), provided: Collection[str] = ()) -> Callable[..., Any]:
    """Check the node now; return a function that instantiates it anew with what its caller adds."""
    return building(locate(node["_target_"], key, trust), _arguments(node), key, trust, provided)


def building(
    target: Callable[..., Any], settings: Node, key: str, trust: Collection[str] = (), provided: Collection[str] = ()
) -> Callable[..., Any]:
    """The same for a target that the code names, with settings that a config gives."""
    check_call(target, settings, key, trust, provided)
    return lambda **added: _call(target, key, {**_built(target, settings, key, trust), **added})


def check(value: Any, key: str, trust: Collection[str], provided: Collection[str] = ()) -> None:
    """Check a component, and all components in a value, without building them."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            check(item, f"{key}[{index}]", trust)
    elif isinstance(value, Mapping) and "_target_" in value:
        check_call(locate(value["_target_"], key, trust), _arguments(value), key, trust, provided)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _check_name(name, key)
            check(item, f"{key}.{name}", trust)


def check_call(
    target: Callable[..., Any], settings: Node, key: str, trust: Collection[str], provided: Collection[str] = ()
) -> None:
    """Refuse untrusted or unknown targets inside, and arguments that the target's signature does not take."""
    check(settings, key, trust)
    check_arguments(target, settings, key, provided)
    if not _is_ours(target):
        _check_plain(settings, key)


def locate(name: Any, key: str, trust: Collection[str]) -> Callable[..., Any]:
    """Import what a `_target_` names, where the place `key` may have it. Raises UserError where it may not."""
    if not isinstance(name, str):
        raise UserError(f"{key}._target_={shown(name)}: write the name of a class or a function.")
    if name.split(".")[0] in trust:
        return _trusted(name, key, trust)
    known = names_at(key)
    if name not in known:
        raise _not_listed(name, key, known)
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def node_at(config: Mapping[str, Any], key: str) -> Node:
    """The component at a dotted key of a config. Raises UserError where something else stands there."""
    *_, name = key.split(".")
    node = config.get(name)
    if not isinstance(node, Mapping) or "_target_" not in node:
        advice = f"to leave it out, write ~{key}" if "." in key else f"choose one by its name, {key}=NAME"
        raise UserError(f"{key}={shown(node)} names nothing to build, which needs a `_target_`: {advice}.")
    return dict(node)


def _not_listed(name: str, key: str, known: Collection[str]) -> UserError:
    package, _, last = name.rpartition(".")
    guess = did_you_mean(last, [one.rpartition(".")[2] for one in known if one.rpartition(".")[0] == package])
    if name in EVERY:
        return UserError(f"{key}._target_={name}: it may not stand here; what may is {first_few(sorted(known))}.")
    if guess:
        return UserError(f"{key}: {package} has no '{shown(last)}' that a config may name.{guess}")
    return UserError(
        f"{key}._target_={shown(name)}: this name is not on genctl's list of what a config may name. If you trust this "
        f"code, add trust=[{shown(name.split('.')[0])}] to the command line."
    )


def _trusted(name: str, key: str, trust: Collection[str]) -> Callable[..., Any]:
    """Import `package.module.name` of a package that the user trusts, where the object really lives in one."""
    done, *parts = name.split(".")
    try:
        target: Any = importlib.import_module(done)
        for part in parts:
            target = getattr(target, part) if hasattr(target, part) else importlib.import_module(f"{done}.{part}")
            done += f".{part}"
    except ImportError as error:
        raise UserError(f"{key}._target_={name}: {error}. Is the package installed, or in this directory?") from error
    except Exception as error:  # foreign code runs when it is imported
        raise UserError(f"{key}._target_={name} fails when it is imported: {first_line(error)}") from error
    if not callable(target) or str(getattr(target, "__module__", "")).split(".")[0] not in trust:
        raise UserError(f"{key}._target_={name} is not a function or class of {' or '.join(trust)}.")
    return target


def _build(value: Any, key: str, trust: Collection[str]) -> Any:
    if isinstance(value, list):
        return [_build(item, f"{key}[{index}]", trust) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if "_target_" not in value:
        return {name: _build(item, f"{key}.{name}", trust) for name, item in value.items()}
    target = locate(value["_target_"], key, trust)
    return _call(target, key, _built(target, _arguments(value), key, trust))


def _built(target: Callable[..., Any], settings: Node, key: str, trust: Collection[str]) -> Node:
    """The settings with their components built, which must be what the target's signature takes."""
    hints, built = type_hints(target), {}
    for name, value in settings.items():
        built[name] = _build(value, f"{key}.{name}", trust)
        if is_component(value) and name in hints:
            check_value(built[name], hints[name], f"{key}.{name}")
    return built


def _call(target: Callable[..., Any], key: str, arguments: Mapping[str, Any]) -> Any:
    if _is_ours(target):
        return target(**arguments)  # its signature was checked: what it raises beside UserError is a fault of genctl
    try:
        return target(**arguments)
    except UserError:
        raise
    except Exception as error:  # Keras' classes and foreign code refuse values in their own ways
        raise UserError(f"{key} ({target.__name__}): {first_line(error)}") from error


def _is_ours(target: Callable[..., Any]) -> bool:
    return target.__module__.split(".")[0] == "genctl"


def _arguments(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != "_target_"}


def _check_name(name: Any, key: str) -> None:
    if not isinstance(name, str):
        raise UserError(f"{key}: {shown(name)} is no name of a setting, which is a text.")
    if name.startswith("_") and name != "_target_":
        raise UserError(f"{key}.{name}: there is no such setting; of names that begin with _ there is _target_ alone.")


def _check_plain(given: Any, key: str) -> None:
    """Refuse mappings that are no components: Keras would build whatever class or code such a one describes."""
    if isinstance(given, Mapping) and "_target_" in given:
        return
    items = given.items() if isinstance(given, Mapping) else enumerate(given) if isinstance(given, list) else ()
    for name, value in items:
        place = f"{key}.{name}" if isinstance(given, Mapping) else f"{key}[{name}]"
        if isinstance(value, Mapping) and "_target_" not in value:
            raise UserError(f"{place}={shown(value)}: give a number, a name, or a component with its `_target_`.")
        _check_plain(value, place)
