"""What the signatures of a verb and of the components of its config say of each option."""

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_origin

import yaml

from genctl.cli.table import VERBS
from genctl.config import paths
from genctl.config.allowed import PLACES, SEVERAL
from genctl.config.signatures import alternatives, type_hints

ELEMENT = ""  # in a path of the config: any element of a list
STARTING_TENSORFLOW = ("model", "encoder", "decoder", "generator", "discriminator")  # where components are imported
WITHOUT_TENSORFLOW: dict[tuple[str, ...], Any] = {  # all that is text there and no name of a closed list
    ("model", "autoencoder"): str | None
}


def annotations(verb: str, path: Sequence[str]) -> list[Any]:
    """The annotations of what may stand at a path such as ("dataset", "path"); None where one is not known."""
    place, *names = path
    if any(names):  # inside a section: the verb's signature has no more to say of it
        return [*_of_components(place, names), WITHOUT_TENSORFLOW.get((place, *names))]
    if place in groups(verb):
        return [str]  # names of choices
    return _within([type_hints(VERBS[verb].load()).get(place)], names)


@functools.cache
def groups(verb: str) -> set[str]:
    """The groups in which the verb's config makes a choice."""
    content = yaml.safe_load((paths.builtin() / f"{verb}.yaml").read_text(encoding="utf-8"))
    return {group for entry in content["defaults"] if isinstance(entry, dict) for group in entry}


def _of_components(place: str, names: Sequence[str]) -> list[Any]:
    """The annotations of an argument of the components that may stand at a place."""
    below = names[place in SEVERAL :]
    if place not in PLACES or place in STARTING_TENSORFLOW or not below:
        return []
    return _within([type_hints(target).get(below[0]) for target in _components(place)], below[1:])


@functools.cache
def _components(place: str) -> list[Callable[..., Any]]:
    names = [name.rpartition(".") for name in sorted(PLACES[place].names)]
    return [getattr(importlib.import_module(module), name) for module, _, name in names]


def _within(annotations: list[Any], names: Sequence[str]) -> list[Any]:
    """The annotations of what annotated values may hold at a path."""
    for name in names:
        annotations = [
            inner for annotation in annotations for one in alternatives(annotation) for inner in _inside(one, name)
        ]
    return annotations


def _inside(kind: Any, name: str) -> list[Any]:
    origin = get_origin(kind)
    wanted = Sequence if name == ELEMENT else Mapping
    return [get_args(kind)[-1]] if inspect.isclass(origin) and issubclass(origin, wanted) else []
