"""The user's own configs as Hydra reads them: they choose and add, and never reach into Hydra's own settings.

A folder that came with a stranger's archive becomes `./configs` by `cd`, and Hydra's settings can run programs
(callbacks, launchers, loggers) and set environment variables.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from omegaconf.resolvers import oc

from genctl.cli.arguments import quoted
from genctl.cli.mistakes import short
from genctl.config import files
from genctl.errors import UserError

HYDRA = re.compile(r"(^|[/@:.\s])hydra([/@:.\s]|$)")  # as a group, a package, or the first part of a key


class UsersConfigs(FileConfigSource):
    """A folder of YAML files, each of which is checked whenever Hydra reads it."""

    @staticmethod
    def scheme() -> str:
        """What stands before `://` in the search path."""
        return "genctl"

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one file. Raises UserError for one that reaches into Hydra, or is no plain file of a sane size."""
        file = Path(self.path, self._normalize_file_name(config_path))
        if file.exists():
            files.check_yaml(file)
        result = super().load_config(config_path)
        for word in _reaching(result):
            raise UserError(
                f"{short(file)} reaches into Hydra's own settings ('{word}'), which can run programs: leave that out, "
                "and say it on the command line instead, such as hydra/launcher=…"
            )
        return result


def search(folders: Sequence[Path]) -> str:
    """Return the Hydra override that adds `folders` to the search."""
    places = [quoted(f"{UsersConfigs.scheme()}://{folder}") for folder in folders]
    return f"hydra.searchpath=[{','.join(places)}]"


def _reaching(result: ConfigResult) -> Iterator[str]:
    """What a file says of Hydra's own settings: in its keys, in its package, and in its list of defaults."""
    if not isinstance(result.config, DictConfig):
        return
    content = result.config
    defaults: Any = content._get_node("defaults")
    if OmegaConf.is_list(defaults):
        defaults = OmegaConf.to_container(defaults, resolve=False)
    entries = defaults if isinstance(defaults, list) else []
    places = [str(place) for entry in entries for place in (entry if isinstance(entry, dict) else [entry])]
    values = [str(value) for entry in entries if isinstance(entry, dict) for value in entry.values()]
    yield from filter(HYDRA.search, [result.header.get("package") or "", *map(str, content), *places])
    yield from (value for value in values if ".." in value)


@contextlib.contextmanager
def guarded_environment(words: Sequence[str], named: Sequence[Path]) -> Iterator[None]:
    """Within the block, `${oc.env:NAME}` gives only variables that the user names.

    words: the command line. named: the folders that the user names. `./configs` is read without being named, and could
    send what the environment holds to any address.
    """
    texts = [path.read_text(encoding="utf-8", errors="replace") for folder in named for path in folder.rglob("*.yaml")]
    allowed = {name for text in [*words, *texts] for name in re.findall(r"oc\.env:\s*['\"]?(\w+)", text)}

    def env(key: str, *default: Any) -> Any:
        if key not in allowed:
            raise UserError(
                f"the variable {key} of the environment may be read by the command line and by folders that "
                "--config-dir or GENCTL_CONFIG_PATH names, and not by ./configs"
            )
        return oc.env(key, *default)

    OmegaConf.register_new_resolver("oc.env", env, replace=True)
    try:
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)


SourcesRegistry.instance().register(UsersConfigs)
