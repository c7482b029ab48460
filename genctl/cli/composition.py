"""A look at the config that a command line describes, without running anything."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, OverrideType, QuotedString, RangeSweep, Sweep
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from genctl.cli import schema, source, texts
from genctl.cli.presets import PresetLoader
from genctl.config import paths
from genctl.config.schedules import SCHEDULES, constant
from genctl.config.signatures import shown
from genctl.errors import UserError, did_you_mean, first_line

SAID_BY_FLAGS = {
    "hydra.searchpath": "name folders of configs with --config-dir",
    "hydra.mode": "ask for a sweep with -m",
}
MOST_VALUES = 100_000  # of a range
MODULE = f"{constant.__module__}."


@dataclasses.dataclass(frozen=True)
class Request:
    """What was asked of a verb: its overrides as typed, and the user's config folders."""

    verb: str
    overrides: Sequence[str]
    folders: Sequence[Path]


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a composed config.

    name: such as `model/vae`. key: what it lands below; "": nothing. left_out: the keys in it that do not fit the
    choices.
    """

    name: str
    key: str
    left_out: Sequence[str] = ()


def parse(overrides: Sequence[str]) -> list[Override]:
    """Read overrides with Hydra's grammar. Raises UserError for values that Python cannot hold."""
    parser = OverridesParser.create()
    return [_parsed(parser, override) for override in overrides]


def parse_typed(request: Request) -> list[Override]:
    """Read the overrides of a request, in which texts that look like numbers stay texts. Raises UserError."""
    known = functools.cache(functools.partial(schema.annotations, request.verb))
    return parse([texts.as_typed(one, known) for one in parse(request.overrides)])


def is_hydras(request: Request) -> bool:
    """Whether settings of Hydra are given, which its own sweepers and launchers are for."""
    return any(override.is_hydra_override() for override in parse(request.overrides))


def _parsed(parser: OverridesParser, override: str) -> Override:
    if "\0" in override:
        raise UserError(f"{shown(override)}: it holds a null character, which no name or path may: leave it out.")
    try:
        parsed = parser.parse_overrides([override])[0]
        _check_range(parsed)
        return parsed
    except ValueError as error:  # thousands of digits
        raise UserError(f"{shown(override)}: the value cannot be read: {first_line(error)}.") from error
    except RecursionError as error:
        raise UserError(f"{shown(override)}: the value is nested too deeply.") from error


def _check_range(override: Override) -> None:
    """Refuse a range that would be counted up without end, or for years."""
    sweep = override.value()
    if not isinstance(sweep, RangeSweep):
        return
    start, stop, step = (float(number or 0) for number in (sweep.start, sweep.stop, sweep.step))
    if not step or not abs(stop - start) / abs(step) <= MOST_VALUES:
        raise UserError(
            f"{shown(override.input_line)}: a range has a step that is not 0, and {MOST_VALUES:,} values at most."
        )


def values(override: Override) -> list[str]:
    """The values of a sweep over values that can be counted."""
    with _configs() as loader:
        override.config_loader = loader
        return list(override.sweep_string_iterator())


def for_hydra(request: Request) -> list[str]:
    """The overrides as Hydra is to be given them: texts in quotes where they need these, and schedules whole.

    A schedule takes the place of another one: a number goes before it, since Hydra merges a mapping into one. Its
    sweeps keep one word for a key, and `++` makes it another key there; the number refuses a key that is unknown.
    Raises UserError for one that genctl sets itself.
    """
    words = []
    for override in parse_typed(request):
        value = override.value()
        if (advice := SAID_BY_FLAGS.get(override.key_or_group)) is not None:
            raise UserError(f"{override.input_line}: genctl sets this itself: {advice}.")
        if value == {}:
            raise UserError(f"{override.input_line} changes nothing: name a setting, such as trainer.steps=100.")
        values = value.list if isinstance(value, ChoiceSweep) else [value]
        _check_elements(override, values, request.verb)
        if override.type == OverrideType.CHANGE and any(isinstance(one, dict) and _is_schedule(one) for one in values):
            words += [f"{override.key_or_group}=0", f"++{override.input_line}"]
        else:
            words.append(override.input_line or "")
    return words


def _check_elements(override: Override, values: Sequence[Any], verb: str) -> None:
    """Refuse a range among other values, and lists of what can be no names of choices, which Hydra trips over."""
    if any(isinstance(one, Sweep) for one in values if one is not override.value()):
        raise UserError(f"{override.input_line}: a range stands alone, or write all values of it.")
    names = [one for value in values if isinstance(value, list) for one in value]
    if override.key_or_group in schema.groups(verb) and not all(isinstance(one, str | QuotedString) for one in names):
        raise UserError(f"{override.input_line}: each element must be the name of a choice.")


def _is_schedule(value: Mapping[Any, Any]) -> bool:
    """Whether that is meant as a schedule; `{name: {…}}` is with any name, so that a misspelt one is told as such."""
    if "_target_" in value:
        return str(value["_target_"]).startswith(MODULE)
    return bool(value) and (value.keys() <= SCHEDULES.keys() or all(isinstance(one, dict) for one in value.values()))


def compose(request: Request) -> tuple[DictConfig, dict[str, str | None]]:
    """Return the config and the choice in each of its groups; of a list of values the first is taken."""
    with _loader(request) as (loader, overrides):
        config = loader.load_configuration(request.verb, overrides, RunMode.RUN)
    choices = chosen(config.hydra.runtime.choices)
    config._set_flag(["struct", "readonly"], [False, False])
    del config["hydra"]
    return config, choices


def launcher(request: Request) -> str:
    """What starts the jobs of a sweep that Hydra runs: the name of its class."""
    with _loader(request) as (loader, overrides):
        config = loader.load_configuration(request.verb, overrides, RunMode.MULTIRUN)
    return str(OmegaConf.select(config, "hydra.launcher._target_"))


def require_part(request: Request, key: str) -> None:
    """Raise UserError where the config, that of Hydra included, has nothing at a dotted key."""
    with _loader(request) as (loader, overrides):
        config = loader.load_configuration(request.verb, overrides, RunMode.RUN)
    known = [*keys(config), "_global_"]
    if key not in known:
        raise UserError(f"--package {key}: the config has no such part.{did_you_mean(key, known)}")


def parts(request: Request) -> tuple[list[Part], dict[str, str | None]]:
    """Return the files of the config in the order in which they are merged, and the choice in each group."""
    with _loader(request) as (loader, overrides):
        defaults = loader.compute_defaults_list(request.verb, overrides, RunMode.RUN)
        loader.load_configuration(request.verb, overrides, RunMode.RUN)
    without = loader.left_out
    named = [
        Part(d.config_path or "", d.package or "", without.get(d.config_path or "", ())) for d in defaults.defaults
    ]
    return [p for p in named if p.name.split("/")[0] != "hydra"], chosen(defaults.overrides.known_choices)


def chosen(choices: dict[str, str | None]) -> dict[str, str | None]:
    """Leave out Hydra's own groups."""
    return {str(group): choice for group, choice in choices.items() if not str(group).startswith("hydra/")}


def keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield every dotted key, parents before children."""
    for name in config:
        key = prefix + str(name)
        if str(name).startswith("_"):
            continue
        yield key
        value = config._get_node(name)
        if isinstance(value, DictConfig) and not (value._is_none() or value._is_missing() or value._is_interpolation()):
            yield from keys(value, f"{key}.")


@contextlib.contextmanager
def _configs() -> Iterator[PresetLoader]:
    with initialize_config_dir(version_base="1.3", config_dir=str(paths.builtin())):
        yield cast(PresetLoader, GlobalHydra.instance().config_loader())


@contextlib.contextmanager
def _loader(request: Request) -> Iterator[tuple[PresetLoader, list[str]]]:
    with _configs() as loader:
        overrides = [_first(override, loader) for override in parse(for_hydra(request))]
        yield loader, [*filter(None, overrides), source.search(request.folders)]


def _first(override: Override, loader: ConfigLoader) -> str:
    if not override.is_sweep_override():
        return override.input_line or ""
    if not override.is_discrete_sweep():
        return ""
    override.config_loader = loader
    return f"{override.get_key_element()}={next(override.sweep_string_iterator())}"
