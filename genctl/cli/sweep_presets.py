"""The settings `sweep.*` of a command line, and the files of configs/sweep that `sweep=NAME` chooses.

Such a file gives settings of the sweep, and two mappings of a run's: `settings`, which all trials have, and `space`,
which vary, written as on a command line. What is typed takes the place of both. What a command line alone may say is
refused in a file: it may have come with somebody else's archive.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from genctl.cli import composition
from genctl.cli.composition import Request
from genctl.config import files, paths
from genctl.config.signatures import check_value, check_values, shown
from genctl.errors import UserError, did_you_mean
from genctl.sweeps.sweep_settings import Settings, Slurm

GROUP, BASE = "sweep", "grid"
WORDS = ("settings", "space")
NOT_IN_FILES = ("hydra", "name", "outputs", "sweep", "trust")


def read_settings(request: Request) -> tuple[Settings, Request]:
    """The settings of the sweep, and the request with a preset's words and without those of the sweep.

    Raises UserError for a setting or a preset that there is not, or that is wrong.
    """
    settings = _read(BASE, request)
    settings |= {f"slurm.{name}": value for name, value in settings.pop("slurm").items()}
    typed = composition.parse(request.overrides)
    own = [override for override in typed if override.key_or_group.partition(".")[0] == GROUP]
    words: dict[str, str] = {}
    for override in own:
        if override.is_sweep_override():
            raise UserError(f"{shown(override.input_line)} varies from trial to trial, and is of the whole sweep.")
        if override.key_or_group == GROUP:
            preset = _read(str(override.value()), request)
            for name in WORDS:
                words |= _words(preset.pop(name, {}), f"sweep={override.value()}: {name}")
            own_names = [name for name in settings if not name.startswith("slurm.")]
            _require_known(preset, own_names, f"sweep={override.value()}: ")
            settings |= preset
    for override in own:
        if override.key_or_group != GROUP:
            name = override.key_or_group.partition(".")[2]
            _require_known([name], [*settings], "")
            settings[name] = _value(override)
    if settings["name"] is not None:
        settings["name"] = str(settings["name"])
    slurm = {name.removeprefix("slurm."): settings.pop(name) for name in [*settings] if name.startswith("slurm.")}
    check_values(Settings, settings, "sweep", is_setting=True)
    check_values(Slurm, slurm, "sweep.slurm", is_setting=True)
    given = {override.key_or_group for override in typed}
    others = [override.input_line or "" for override in typed if override not in own]
    added = [f"{key}={word}" for key, word in words.items() if key not in given]
    return cast(Settings, settings | {"slurm": slurm}), dataclasses.replace(request, overrides=[*added, *others])


def _read(name: str, request: Request) -> dict[str, Any]:
    folders = [paths.builtin(), *request.folders]
    known = sorted({one for folder in folders for one in paths.options(GROUP, folder)})
    if name not in known:
        raise UserError(
            f"sweep={shown(name)}: there is no such preset.{did_you_mean(name, known)} Choose one of "
            f"{', '.join(known)}; settings are sweep.jobs=2 and so on."
        )
    path = next(path for folder in folders if (path := folder / GROUP / f"{name}.yaml").is_file())
    content = files.read_yaml(path)
    check_value(content, dict[str, Any], str(path))
    return cast(dict[str, Any], content)


def _words(mapping: Any, place: str) -> dict[str, str]:
    """Settings of a run by key, as one would type their values.

    Raises UserError for what is no text or number, and for what a command line alone may say.
    """
    check_value(mapping, dict[str, str | int | float | bool | None], place)
    words = {key: _word(value) for key, value in cast(Mapping[str, Any], mapping).items()}
    for key, word in words.items():
        if not re.fullmatch(r"[a-z]\w*(\.\w+)*", key) or key.split(".")[0] in NOT_IN_FILES or "${" in word:
            raise UserError(f"{place}: {shown(f'{key}: {word}')} cannot stand in a file: say it on the command line.")
    return words


def _word(value: str | float | None) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value)


def _require_known(given: Iterable[str], settings: Sequence[str], place: str) -> None:
    for name in given:
        if name not in settings:
            raise UserError(
                f"{place}there is no setting 'sweep.{name}'.{did_you_mean(name, settings)} Those of a sweep: "
                f"{', '.join(f'sweep.{one}' for one in settings)}."
            )


def _value(override: Override) -> Any:
    return OmegaConf.to_container(OmegaConf.create({"value": override.value()}))["value"]  # type: ignore[call-overload,index]
