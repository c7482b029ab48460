"""Where configs are found: genctl's own, and the user's."""

import os
from collections.abc import Iterable
from pathlib import Path

from genctl.config.files import is_regular
from genctl.errors import UserError


def builtin() -> Path:
    """Return the folder of genctl's own configs: inside the package when installed, beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def named(config_dirs: Iterable[str]) -> list[Path]:
    """Return the folders that the user names: --config-dir, then $GENCTL_CONFIG_PATH.

    Raises UserError for one that does not exist.
    """
    variable = os.environ.get("GENCTL_CONFIG_PATH", "").split(os.pathsep)
    given = [("--config-dir", name) for name in config_dirs]
    given += [("GENCTL_CONFIG_PATH", name) for name in variable if name]
    for origin, name in given:
        if not Path(name).is_dir():
            raise UserError(f"{origin}={name}: there is no such directory.")
    return list(dict.fromkeys(Path(name).resolve() for _, name in given))


def users(named: Iterable[Path]) -> list[Path]:
    """Return the user's folders: those that are named, then ./configs where there is one."""
    folders = dict.fromkeys([*named, Path("configs").resolve()])
    return [folder for folder in folders if folder.is_dir() and folder != builtin()]


def options(group: str, folder: Path) -> list[str]:
    """Return a group's choices in one folder; files whose names start with an underscore are shared parts."""
    names = (path.stem for path in (folder / group).glob("*.yaml") if not path.name.startswith("_"))
    return sorted(name for name in names if name.isprintable())


def hidden(folders: Iterable[Path]) -> list[Path]:
    """Return the user's files that are never read because genctl's own file of the same name comes first.

    Copies of genctl's own files, as in its source tree, are left out.
    """
    names = [path.relative_to(builtin()) for path in sorted(builtin().rglob("*.yaml"))]
    pairs = [(builtin() / name, folder / name) for folder in folders for name in names]
    return [user for own, user in pairs if is_regular(user) and own.read_bytes() != user.read_bytes()]
