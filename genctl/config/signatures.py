"""The signature of a function, or a TypedDict, is the schema of the settings that it is given: names, types, ranges."""

import inspect
import json
import math
import re
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pydantic

from genctl.errors import UserError, did_you_mean

Seed = Annotated[int, pydantic.Field(ge=0, lt=2**31)]
Count = Annotated[int, pydantic.Field(gt=0, le=10_000_000)]  # of examples: more would be years of work, or no number
SHOWN = 200  # characters of a value in a message


def check_arguments(
    target: Callable[..., Any], given: Mapping[str, Any], key: str, provided: Collection[str] = ()
) -> None:
    """Compare names and plain values with the signature of a component at the place `key` of a config.

    provided: arguments that the caller adds. Values that are components themselves are passed over.
    """
    label = key if key.endswith(f".{target.__name__}") else f"{key} ({target.__name__})"
    _check_names(target, given, provided, f"{label}: no argument", f"{label}: argument '{{}}' is missing.")
    check_values(target, given, key)


def check_settings(
    target: Callable[..., Any], given: Mapping[str, Any], owner: str, provided: Collection[str] = ()
) -> None:
    """Compare the settings of a whole config with a signature. owner: what has them, such as "genctl sample"."""
    _check_names(target, given, provided, f"{owner}: there is no setting", f"{owner} needs {{}}=…")
    check_values(target, given, "", is_setting=True)


def _check_names(
    target: Callable[..., Any], given: Mapping[str, Any], provided: Collection[str], unknown: str, missing: str
) -> None:
    own, inherited, open_ended = _parameters(target)
    known = [name for name in own | inherited if name not in provided]
    for name in given:
        if name in provided or (name not in known and not open_ended):
            raise UserError(f"{unknown} '{shown(name)}'.{did_you_mean(name, known)}")
    for name, parameter in own.items():
        if parameter.default is parameter.empty and name not in given and name not in provided:
            raise UserError(missing.format(name))


def check_values(target: Callable[..., Any], given: Mapping[str, Any], key: str, is_setting: bool = False) -> None:
    """Compare values with the annotations of the target.

    Values that are components to be built are passed over, since the annotations are of what they build; `is_setting`:
    here they are of the config's own sections.
    """
    hints = type_hints(target)
    for name, value in given.items():
        place = f"{key}.{name}" if key else name
        check_finite(value, place)
        if name in hints and (is_setting or not is_component(value)):
            check_value(value, hints[name], place)


def check_value(value: Any, annotation: Any, key: str) -> None:
    """Check one value against a type annotation, which may hold pydantic's constraints. Raises UserError."""
    try:
        _adapter(annotation).validate_python(value, strict=True)
    except pydantic.ValidationError as error:
        places = [_place(key, value, problem["loc"]) for problem in error.errors()]
        reasons = dict.fromkeys(re.sub("^(Input|Value error,) ", "", problem["msg"]) for problem in error.errors())
        raise UserError(f"{places[0]}: {', or '.join(reasons)}.{_advice(value, annotation)}") from None


def _advice(value: Any, annotation: Any) -> str:
    """How to write a text that YAML has read as something else, as in `name: 007`."""
    known = [*alternatives(annotation)]
    misread = isinstance(value, int | float) and str in known and type(value) not in known
    return " Put a text that looks like a number or a truth value in quotes." if misread else ""


def alternatives(annotation: Any) -> Iterator[Any]:
    """The types that an annotation takes, one by one; of literal values, theirs."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from map(type, arguments)
    elif origin in (Annotated, Union, types.UnionType):
        for argument in arguments[:1] if origin is Annotated else arguments:
            yield from alternatives(argument)
    else:
        yield annotation


def _adapter(annotation: Any) -> pydantic.TypeAdapter[Any]:
    """What checks values against an annotation; a class that pydantic does not know takes its own objects."""
    try:
        return pydantic.TypeAdapter(annotation, config=pydantic.ConfigDict(arbitrary_types_allowed=True))
    except pydantic.PydanticUserError:  # a dataclass has settings of its own
        return pydantic.TypeAdapter(annotation)


def check_finite(value: Any, key: str) -> None:
    """Raise UserError for an infinite number, or one that is none, anywhere in a value: no setting has a use for it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            check_finite(item, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_finite(item, f"{key}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{key}={value}: should be a finite number.")


def is_component(value: Any) -> bool:
    """Whether a value is a component to be built, or a list that holds one."""
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, Mapping) and "_target_" in item for item in items)


def shown(value: Any) -> str:
    """A value as it stands in a message: as YAML has it, and not at any length."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _place(key: str, value: Any, path: Collection[int | str]) -> str:
    """Name the innermost element that is wrong: "filters[1]=x"; parts of `path` that are names of types are skipped."""
    for part in path:
        if isinstance(value, Mapping) and part in value:
            key, value = f"{key}.{part}", value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            key, value = f"{key}[{part}]", value[part]
    return f"{key}={shown(value)}"


def type_hints(target: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of the target's own arguments; none for Keras', and for foreign ones that lead nowhere."""
    if target.__module__.startswith("keras"):
        return {}  # Keras' few annotations are hints and not contracts
    if is_typeddict(target):
        return {name: _required(hint) for name, hint in get_type_hints(target, include_extras=True).items()}
    function = target.__init__ if inspect.isclass(target) else target
    try:
        return get_type_hints(function, include_extras=True) | type_hints_of_rest(function)
    except (NameError, TypeError, AttributeError):  # names that are there for type checkers alone
        return {}


def type_hints_of_rest(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of what a `**kwargs: Unpack[…]` takes (PEP 692)."""
    taken = _unpacked(function)
    return type_hints(taken) if taken is not None else {}


def _required(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def _parameters(
    target: Callable[..., Any],
) -> tuple[dict[str, inspect.Parameter], dict[str, inspect.Parameter], bool]:
    """The target's own named parameters, its bases', and whether any other name is taken too.

    A class whose constructor takes **kwargs hands them to its base, as every Keras layer does: the bases' count too.
    """
    if is_typeddict(target):
        return _fields(target), {}, False
    if not inspect.isclass(target):
        own, open_ended = _named(target)
        return own, {}, open_ended
    constructors = [base.__dict__["__init__"] for base in target.__mro__[:-1] if "__init__" in base.__dict__]
    signatures: list[dict[str, inspect.Parameter]] = []
    for constructor in constructors:
        named, open_ended = _named(constructor)
        signatures.append(named)
        if not open_ended:
            break
    own, *bases = signatures or [{}]
    return own, {name: parameter for base in bases for name, parameter in base.items()}, False


def _named(function: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], bool]:
    """Parameters by name, `self` left out, and whether there is a **kwargs that takes any name."""
    parameters = list(inspect.signature(function).parameters.values())
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != "self"}
    taken = _unpacked(function)
    if taken is not None:
        return named | _fields(taken), False
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _unpacked(function: Callable[..., Any]) -> Any:
    """The TypedDict of a `**kwargs: Unpack[…]`; None where there is none."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and get_origin(parameter.annotation) is Unpack:
            return get_args(parameter.annotation)[0]
    return None


def _fields(schema: Any) -> dict[str, inspect.Parameter]:
    """The keys of a TypedDict as parameters; those that may be missing have a default."""
    empty = inspect.Parameter.empty
    return {
        name: inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=empty if name in schema.__required_keys__ else None
        )
        for name in schema.__annotations__
    }
