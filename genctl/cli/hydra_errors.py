"""Hydra's and OmegaConf's exceptions, explained with what the config really holds."""

import re
from collections.abc import Callable
from pathlib import Path

import yaml
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from genctl.cli import composition, mistakes
from genctl.cli.composition import Request
from genctl.config import paths
from genctl.config.files import check_yaml, is_regular
from genctl.config.signatures import shown
from genctl.errors import UserError, did_you_mean, first_line


def explain(error: Exception, request: Request) -> Exception:
    """Return a UserError that says what to do, or the error itself where it is none of the user's."""
    if isinstance(error, ConfigCompositionException) and not str(error) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, OverrideParseException):
        return mistakes.unreadable(error.override, request.verb)
    if isinstance(error, yaml.YAMLError):
        return mistakes.broken_yaml(error)
    if isinstance(error, MissingConfigException):
        group, _, choice = (error.missing_cfg_file or "").rpartition("/")
        return no_choice(group, choice, request)
    if isinstance(error, ConfigCompositionException):
        return _composition(error, request)
    if isinstance(error, ValueError) and "Config group override" in str(error):
        return _no_name(request)
    if isinstance(error, OmegaConfBaseException | OSError | UnicodeDecodeError):
        known = _broken_file(request) or _unresolved(request)
        return known or (error if isinstance(error, OSError) else _refused(error, request))
    if isinstance(error, HydraException) or _of_hydra(request):
        return _refused(error, request)
    return error


def settings(request: Request) -> list[str]:
    """Return the groups and keys that the command line could name; those of the bare verb if it does not compose."""
    for overrides in (request.overrides, ()):
        try:
            config, choices = composition.compose(Request(request.verb, overrides, request.folders))
        except Exception:
            continue  # a second mistake must not hide the first
        return [*choices, *composition.keys(config)]
    return []


def unresolved(config: DictConfig) -> UserError | None:
    """Name the first key whose `${...}` leads nowhere, if there is one."""
    for key in composition.keys(config):
        try:
            value = OmegaConf.select(config, key)
            if isinstance(value, ListConfig):
                OmegaConf.to_container(value, resolve=True)
        except OmegaConfBaseException as error:
            reason = re.sub(r"^\w+ raised while resolving interpolation: ", "", str(error.msg or error).splitlines()[0])
            if isinstance(error, InterpolationKeyError):
                reason = f"there is no setting {reason.removeprefix('Interpolation key ').removesuffix(' not found')}"
            return UserError(f"{key}: {reason}. Check the ${{...}} in its value.")
    return None


def no_choice(group: str, choice: str, request: Request) -> UserError:
    """Say that a group has no such choice, where that was asked for, and which it has."""
    where = _origin(group, choice, request)
    if not group:
        return UserError(f"{where}there is no config file '{choice}'.")
    folders = (paths.builtin(), *request.folders)
    choices = sorted({option for folder in folders for option in paths.options(group, folder)})
    guess = did_you_mean(choice, choices)
    return UserError(f"{where}{group}={choice}: there is no such {group}.{guess} Choices: {', '.join(choices)}.")


def _origin(group: str, choice: str, request: Request) -> str:
    """Name the user's file that makes a choice, where the command line does not; Hydra names the verb's own file."""
    pattern = rf"(?m)(\b{group}(@\S+)?:|^\s*-) *{re.escape(choice)}\b"
    if not any(choice in override for override in request.overrides):
        for path in _files(request):
            if re.search(pattern, path.read_text(encoding="utf-8", errors="replace")):
                return f"{mistakes.short(path)}: "
    return ""


def _composition(error: ConfigCompositionException, request: Request) -> UserError:
    text = str(error)
    patterns: list[tuple[str, Callable[[str], UserError]]] = [
        (r"(?:Ambiguous value for argument|Sweep parameters) '(.*?)'(?:$|\s)", _list_of_values),
        (r"Could not override '(.+?)'", lambda key: _no_setting(key, text, request)),
        (
            r"Could not delete(?: from config\.)? '(.+?)'",
            lambda key: _nothing_to_delete(key.split("=")[0], text, request),
        ),
        (r"An item is already at '(.+?)'", lambda key: UserError(f"+{key}: this setting exists; leave out the '+'.")),
        (r"^(\S+) appears more than once", lambda key: UserError(f"{key} is chosen twice; leave out the '+'.")),
    ]
    for pattern, message in patterns:
        match = re.search(pattern, text, re.MULTILINE)
        if match:
            return message(match[1])
    kept = [line.strip() for line in text.splitlines() if line.strip() and "append" not in line]
    cause = f" {str(error.__cause__).splitlines()[0]}" if error.__cause__ else ""
    return UserError(f"{' '.join(kept)}.{cause}".replace("..", "."))


def _list_of_values(override: str) -> UserError:
    return UserError(f"{override} is a list of values: add -m to run each.")


def _refused(error: Exception, request: Request) -> UserError:
    """Pass on what Hydra says of settings of its own, which only it knows."""
    where = ", ".join(_of_hydra(request)) or "the config"
    return UserError(f"{where} cannot be used: {first_line(error).rstrip('.')}.")


def _of_hydra(request: Request) -> list[str]:
    return [shown(word) for word in request.overrides if re.match(r"[+~]*hydra\b", word)]


def _broken_file(request: Request) -> UserError | None:
    """Name a user's file that cannot be loaded on its own."""
    for path in _files(request):
        check_yaml(path)
        try:
            OmegaConf.load(path)
        except Exception as error:
            return UserError(f"{mistakes.short(path)} is not a file of settings: {str(error).splitlines()[0]}.")
    return None


def _unresolved(request: Request) -> UserError | None:
    try:
        return unresolved(composition.compose(request)[0])
    except ConfigCompositionException:
        return None


def _files(request: Request) -> list[Path]:
    return [path for folder in request.folders for path in sorted(folder.rglob("*.yaml")) if is_regular(path)]


def _no_name(request: Request) -> UserError:
    wrong = [o.input_line or "" for o in composition.parse(request.overrides) if not isinstance(o.value(), str | list)]
    groups = ", ".join(line for line in wrong if "." not in line.partition("=")[0])
    return UserError(f"{groups}: a choice is given by its name; `genctl {request.verb} --help` lists the choices.")


def _nothing_to_delete(key: str, text: str, request: Request) -> UserError:
    if key in settings(Request(request.verb, (), request.folders)):
        return UserError(f"~{key}: this setting is null, so there is nothing to delete.")
    return _no_setting(key, text, request)


def _no_setting(key: str, text: str, request: Request) -> UserError:
    inside = re.match(r"In '(.+?)':", text)
    typed = [o for o in request.overrides if re.split("[=@]", o.lstrip("+~"))[0] != key]
    keys = settings(Request(request.verb, typed, request.folders))
    if others := _choices_with(key, keys):
        return UserError(f"there is no setting {key!r} here. It belongs to {key.split('.')[0]}={', '.join(others)}.")
    meant = mistakes.nearest(key, keys)
    guess = f" Did you mean '{meant}'?" if meant and meant != key else ""
    where = f"{inside[1]}.yaml: " if inside and inside[1] != request.verb else ""
    absent = _absent_group(key, keys, request)
    return UserError(
        f"{where}{absent or f'there is no setting {key!r}.'}{guess} `genctl {request.verb} --help` lists what there is."
    )


def _choices_with(key: str, keys: list[str]) -> list[str]:
    """genctl's own choices of a group that have its key, in their files or in those that these build on.

    keys: those of the present choices. None is named where they lack the group or know the first part of the key.
    """
    group, name = [*key.split("."), ""][:2]
    if group not in keys or f"{group}.{name}" in keys:
        return []
    files = {path.stem: yaml.safe_load(path.read_text()) or {} for path in (paths.builtin() / group).glob("*.yaml")}

    def has(choice: str) -> bool:
        content = files[choice]
        bases = [base for base in content.get("defaults", ()) if isinstance(base, str) and base in files]
        return name in content.get(group, content) or any(map(has, bases))

    return [choice for choice in paths.options(group, paths.builtin()) if has(choice)]


def _absent_group(key: str, keys: list[str], request: Request) -> str:
    exists = any((folder / key).is_dir() for folder in (paths.builtin(), *request.folders))
    return f"genctl {request.verb} does not take '{key}'." if exists and key not in keys else ""
