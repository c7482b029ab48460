"""Turning `_target_` nodes into objects: the only place that imports names which a config gives.

The signature of the target is the schema: values are checked against its annotations before anything is called.
"""

import importlib
import inspect
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Unpack, get_args, get_origin, get_type_hints

import hydra.utils
import pydantic
from hydra.errors import InstantiationException

from genctl.errors import UserError, did_you_mean

TRUSTED = ("genctl", "keras")
Seed = Annotated[int, pydantic.Field(ge=0, lt=2**31)]
Node = dict[str, Any]


def instantiate(node: Node, key: str, trust: Collection[str] = (), **provided: Any) -> Any:
    """Call the node's `_target_` with the node's values and `provided`.

    key: the node's place in the config, for messages. Raises UserError for any value that the signature refuses.
    """
    return builder(node, key, trust, provided)(**provided)


def builder(node: Node, key: str, trust: Collection[str] = (), provided: Collection[str] = ()) -> Callable[..., Any]:
    """Check the node now; return a function that instantiates it anew with what its caller adds."""
    check(node, key, trust, provided)

    def build(**added: Any) -> Any:
        try:
            # Added objects do not pass through OmegaConf, which would take a dataclass for a config.
            partial = hydra.utils.instantiate(node, _partial_=True, _convert_="all")
        except InstantiationException as error:
            raise _readable(error, key) from error
        return partial(**added)

    return build


def check(value: Any, key: str, trust: Collection[str], provided: Collection[str] = ()) -> None:
    """Refuse untrusted or unknown targets, and arguments that the target's signature does not take."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            check(item, f"{key}[{index}]", trust)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            check(item, f"{key}.{name}", trust)
        if "_target_" in value:
            target = locate(value["_target_"], key, trust)
            given = {name: item for name, item in value.items() if not name.startswith("_")}
            check_arguments(target, given, key, provided)


def locate(name: str, key: str, trust: Collection[str]) -> Callable[..., Any]:
    """Import `package.module.name`, where the package is trusted and the object really lives in it."""
    allowed = (*TRUSTED, *trust)
    package = name.split(".")[0]
    if package not in allowed:
        raise UserError(
            f"{key}._target_={name}: only names under {' and '.join(f'{p}.' for p in allowed)} may be used. "
            f"If you trust this code, add trust=[{package}] to the command line."
        )
    try:
        found: Any = importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise UserError(f"{key}._target_={name}: {error}. Is the package installed, or in this directory?") from None
    done = package
    for part in name.split(".")[1:]:
        try:
            found = getattr(found, part) if hasattr(found, part) else importlib.import_module(f"{done}.{part}")
        except ModuleNotFoundError:
            raise UserError(f"{key}: {done} has no '{part}'.{did_you_mean(part, dir(found))}") from None
        done += f".{part}"
    home = str(getattr(found, "__module__", "")).split(".")[0]
    if not callable(found) or home not in allowed:
        raise UserError(f"{key}._target_={name} is not a function or class of {' or '.join(allowed)}.")
    return found


def check_arguments(target: Callable[..., Any], given: Mapping[str, Any], key: str, provided: Collection[str]) -> None:
    """Compare names and plain values with the target's signature; values that are objects to be built are skipped."""
    label = key if key.endswith(f".{target.__name__}") else f"{key} ({target.__name__})"
    own, inherited, open_ended = _parameters(target)
    known = own | inherited
    for name in given:
        if name not in known and not open_ended:
            raise UserError(f"{label}: no argument '{name}'.{did_you_mean(name, known)}")
    for name, parameter in own.items():
        if parameter.default is parameter.empty and name not in given and name not in provided:
            raise UserError(f"{label}: argument '{name}' is missing.")
    hints = type_hints(target)
    for name, value in given.items():
        if name in hints and not _is_node(value):
            check_value(value, hints[name], f"{key}.{name}")


def check_value(value: Any, annotation: Any, key: str) -> None:
    """Check one value against a type annotation; pydantic's constraints, such as `PositiveInt`, are understood."""
    try:
        pydantic.TypeAdapter(annotation).validate_python(value, strict=True)
    except pydantic.ValidationError as error:
        places = [_place(key, value, problem["loc"]) for problem in error.errors()]
        reasons = dict.fromkeys(re.sub("^(Input|Value error,) ", "", problem["msg"]) for problem in error.errors())
        raise UserError(f"{places[0]}: {', or '.join(reasons)}.") from None


def _place(key: str, value: Any, path: Collection[int | str]) -> str:
    """Name the innermost element that is wrong: "filters[1]=x"; parts of `path` that are names of types are skipped."""
    for part in path:
        if isinstance(value, Mapping) and part in value:
            key, value = f"{key}.{part}", value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            key, value = f"{key}[{part}]", value[part]
    return f"{key}={json.dumps(value) if value is None or isinstance(value, bool) else value}"


def _is_node(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, Mapping) and "_target_" in item for item in items)


def type_hints(target: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of the target's own arguments; none for Keras'."""
    if target.__module__.startswith("keras"):
        return {}  # Keras' few annotations are hints and not contracts
    function = target.__init__ if inspect.isclass(target) else target
    return get_type_hints(function, include_extras=True) | _unpacked(function)


def _parameters(
    target: Callable[..., Any],
) -> tuple[dict[str, inspect.Parameter], dict[str, inspect.Parameter], bool]:
    """The target's own named parameters, its bases', and whether any other name is taken too.

    A class whose constructor takes **kwargs hands them to its base, as every Keras layer does: the bases' count too.
    """
    if not inspect.isclass(target):
        own, open_ended = _named(target)
        return own, {}, open_ended
    constructors = [base.__dict__["__init__"] for base in target.__mro__[:-1] if "__init__" in base.__dict__]
    found: list[dict[str, inspect.Parameter]] = []
    for constructor in constructors:
        named, open_ended = _named(constructor)
        found.append(named)
        if not open_ended:
            break
    own, *bases = found or [{}]
    return own, {name: parameter for base in bases for name, parameter in base.items()}, False


def _named(function: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], bool]:
    """Parameters by name, `self` left out, and whether there is a **kwargs that takes any name."""
    parameters = list(inspect.signature(function).parameters.values())
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != "self"}
    unpacked = {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in _unpacked(function)}
    return named | unpacked, not unpacked and any(p.kind is p.VAR_KEYWORD for p in parameters)


def _unpacked(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of what a `**kwargs: Unpack[...]` takes, all of which is needed (PEP 692)."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and get_origin(parameter.annotation) is Unpack:
            return get_type_hints(get_args(parameter.annotation)[0], include_extras=True)
    return {}


def _readable(error: InstantiationException, key: str) -> Exception:
    cause = error.__cause__ or error
    if isinstance(cause, UserError):
        return cause
    place = re.search(r"full_key: (\S+)", str(error))
    where = re.sub(r"(?<=[a-z])(\d+)(?=\.|$)", r"[\1]", f"{key}.{place[1]}" if place else key)  # Hydra writes layers0
    first = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    return UserError(f"{where}: {first}")
