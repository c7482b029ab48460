"""What the file of a model says of its networks and its optimizer, where the user exchanges one of these for another.

A setting of a network then goes to the new one if that has a setting of this name, and is left out else; those of an
optimizer are all left out, since a step size for Adam is none for another rule. And a schedule in one file takes the
place of a schedule of another kind in an earlier file, where Hydra would merge the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import hydra._internal.hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.default_element import ResultDefault
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from genctl.config.schedules import SCHEDULES

PARTS = ("encoder", "decoder", "generator", "discriminator", "optimizer")  # of a model, which may be exchanged
Defaults = Sequence[ResultDefault]
LeftOut = Mapping[str, Sequence[str]]  # dotted keys by the file that gives them
Choices = Mapping[str, str | None]  # files by part


class PresetLoader(ConfigLoaderImpl):
    """Hydra's loader of configs, which leaves out what does not fit.

    left_out: in the newest composition; choices: the chosen file of each part in it; presets: what its model chooses.
    """

    left_out: LeftOut = {}
    choices: Choices = {}
    presets: Choices = {}

    def _compose_config_from_defaults_list(self, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        self.left_out, self.choices, self.presets = left_out(defaults, repo)
        config = super()._compose_config_from_defaults_list(defaults, cast(Any, _Fitting(repo, self.left_out)))
        for key, name in _schedules(self._load_single_config(default, repo).config for default in defaults):
            schedule = OmegaConf.select(config, key)
            for other in SCHEDULES.keys() - {name} if isinstance(schedule, DictConfig) else ():
                schedule.pop(other, None)
        return config


def say_left_out(loader: PresetLoader) -> Iterator[str]:
    """Yield a line for each part of the model in the loader's newest composition that lost settings by an exchange."""
    for part in PARTS:
        lost = sorted({key for keys in loader.left_out.values() for key in keys if key.startswith(f"{part}.")})
        if lost and loader.choices[part] != loader.presets[part]:
            chosen, preset = (str(choices[part]).replace("/", "=") for choices in (loader.choices, loader.presets))
            yield f"left out, since the model's file has it for {preset} and not for {chosen}: {', '.join(lost)}"


class _Fitting:
    """A repository of files that are read without what is left out of them."""

    def __init__(self, repo: IConfigRepository, left_out: LeftOut) -> None:
        self._repo, self._left_out = repo, left_out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repo, name)

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Read a file."""
        result = self._repo.load_config(config_path)
        if result:
            for part, name in (key.split(".") for key in self._left_out.get(config_path, ())):
                del result.config[part][name]
        return result


def left_out(defaults: Defaults, repo: IConfigRepository) -> tuple[LeftOut, Choices, Choices]:
    """Find the settings of models' files that do not fit the networks and the optimizer that are chosen in the end.

    Also returns the choices, and those of the model alone.
    """
    choices, presets = _choices(defaults), dict.fromkeys(PARTS, None)
    unfit: dict[str, list[str]] = {}
    verb = next((default.config_path for default in defaults if default.primary), None)
    for path in map(_path, defaults):
        group, _, model = path.partition("/")
        content = _content(repo, path)
        if group != "model" or not isinstance(content, Mapping) or not set(PARTS).intersection(content):
            continue
        presets = _choices_of(verb, model, repo)
        unfit[path] = [
            f"{part}.{name}"
            for part in PARTS
            if presets[part] != choices[part]
            for name in content.get(part) or ()
            if part == "optimizer" or name not in _settings(part, defaults, repo)
        ]
    return unfit, choices, presets


def _path(default: ResultDefault) -> str:
    return default.config_path or ""


def _content(repo: IConfigRepository, path: str) -> Any:
    result = repo.load_config(path)
    return result.config if result else None


def _choices_of(verb: str | None, model: str, repo: IConfigRepository) -> dict[str, str | None]:
    """What a model's file chooses where nobody else chooses."""
    alone = OverridesParser.create().parse_overrides([f"model={model}"])
    return _choices(create_defaults_list(repo, verb, alone, prepend_hydra=True, skip_missing=True).defaults)


def _choices(defaults: Defaults) -> dict[str, str | None]:
    """The file that is chosen of each part; those that it is based on are not."""
    choices: dict[str, str | None] = dict.fromkeys(PARTS)
    for default in defaults:
        part = _path(default).partition("/")[0]
        if part in PARTS and not (default.parent or "").startswith(f"{part}/"):
            choices[part] = _path(default)
    return choices


def _settings(part: str, defaults: Defaults, repo: IConfigRepository) -> set[str]:
    """The names of all settings that the chosen file of a part has."""
    paths = [path for path in map(_path, defaults) if path.startswith(f"{part}/")]
    return {str(name) for path in paths for name in _content(repo, path) or ()}


def _schedules(configs: Iterator[Any]) -> Iterator[tuple[str, str]]:
    """Yield the key and the kind of each schedule in some configs, the last one of each key."""
    last: dict[str, str] = {}

    def walk(node: DictConfig, prefix: str) -> None:
        for name in map(str, node):
            value = node._get_node(name)
            if isinstance(value, DictConfig) and not (value._is_none() or value._is_missing()):
                if len(value) == 1 and (kind := str([*value][0])) in SCHEDULES:
                    last[f"{prefix}{name}"] = kind
                walk(value, f"{prefix}{name}.")

    for config in configs:
        walk(config, "")
    yield from last.items()


hydra._internal.hydra.ConfigLoaderImpl = PresetLoader  # type: ignore[misc]  # Hydra offers no other way to name one
