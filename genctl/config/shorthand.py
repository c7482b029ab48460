"""What a config may write shortly, written in full: layers by the name that Keras gives them, schedules by ours."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from genctl.config.instantiate import Node, check
from genctl.config.schedules import EXAMPLE, SCHEDULES, takes_schedule
from genctl.config.signatures import shown, type_hints
from genctl.errors import UserError, did_you_mean


def layer(short: Any, key: str) -> Node:
    """Turn a layer's short form, `Name` or `{Name: {argument: value}}`, into `{_target_: keras.layers.Name, …}`.

    Raises UserError for what is neither.
    """
    if isinstance(short, Mapping) and "_target_" in short:
        return dict(short)
    name, arguments = next(iter(short.items())) if isinstance(short, Mapping) and len(short) == 1 else (short, None)
    if not isinstance(name, str) or not isinstance(arguments or {}, Mapping):
        raise UserError(f"{key}: write a layer as Name or as Name: {{argument: value}}; got {shown(short)}.")
    return {"_target_": f"keras.layers.{name}", **(arguments or {})}


def with_schedules(target: Callable[..., Any], settings: Mapping[str, Any], key: str, trust: Collection[str]) -> Node:
    """Turn `{linear: {…}}` into `{_target_: genctl.config.schedules.linear, …}` wherever the target takes a schedule.

    Each is checked here, by the key that the user wrote. Raises UserError for what is no schedule.
    """
    hints = type_hints(target)
    full = dict(settings)
    for name, value in settings.items():
        if isinstance(value, Mapping) and "_target_" not in value and takes_schedule(hints.get(name)):
            full[name] = _schedule(value, f"{key}.{name}", trust)
    return full


def _schedule(short: Mapping[str, Any], key: str, trust: Collection[str]) -> Node:
    if len(short) > 1 and short.keys() <= SCHEDULES.keys():
        raise UserError(
            f"{key}: write one schedule, as in {key}={EXAMPLE}, which replaces the other; got "
            f"{' and '.join(map(str, short))}."
        )
    name = next(iter(short), "")
    arguments = short.get(name)
    if len(short) != 1 or not isinstance(arguments, Mapping) or name not in SCHEDULES:
        guess = did_you_mean(str(name), SCHEDULES) if len(short) == 1 and name not in SCHEDULES else ""
        raise UserError(
            f"{key}: write a number or a schedule, such as {EXAMPLE}; got {shown(dict(short))}.{guess} "
            f"Schedules: {', '.join(SCHEDULES)}."
        )
    node = {"_target_": f"genctl.config.schedules.{name}", **arguments}
    check(node, f"{key}.{name}", trust)
    return node
