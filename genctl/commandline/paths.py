"""Where configs are found: genctl's own, and the user's."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from genctl.commandline.arguments import quoted
from genctl.errors import UserError


def builtin() -> Path:
    """Return the folder of genctl's own configs: inside the package when installed, beside it in a source tree."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def users(config_dirs: Iterable[str]) -> list[Path]:
    """Return the user's folders: --config-dir, then $GENCTL_CONFIG_PATH, then ./configs where there is one.

    Raises UserError for a folder that was named and does not exist.
    """
    variable = os.environ.get("GENCTL_CONFIG_PATH", "").split(os.pathsep)
    named = [("--config-dir", name) for name in config_dirs]
    named += [("GENCTL_CONFIG_PATH", name) for name in variable if name]
    for origin, name in named:
        if not Path(name).is_dir():
            raise UserError(f"{origin}={name}: there is no such directory.")
    folders = dict.fromkeys(Path(name).resolve() for _, name in [*named, ("", "configs")])
    return [folder for folder in folders if folder.is_dir() and folder != builtin()]


def override(folders: Sequence[Path]) -> str:
    """Return the Hydra override that adds `folders` to the search."""
    return f"hydra.searchpath=[{','.join(quoted(f'file://{folder}') for folder in folders)}]"


def options(group: str, folder: Path) -> list[str]:
    """Return a group's choices in one folder; files whose names start with an underscore are shared parts."""
    return sorted(path.stem for path in (folder / group).glob("*.yaml") if not path.name.startswith("_"))


def hidden(choices: Mapping[str, str], folders: Iterable[Path]) -> list[Path]:
    """Return the user's files that are not read because genctl's own choice of the same name comes first.

    Copies of genctl's own files, as in its source tree, are left out.
    """
    taken = [f"{group}/{choice}.yaml" for group, choice in choices.items()]
    pairs = [(builtin() / name, folder / name) for folder in folders for name in taken]
    return [user for own, user in pairs if own.is_file() and user.is_file() and own.read_bytes() != user.read_bytes()]
