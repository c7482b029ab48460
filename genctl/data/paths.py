"""The path that a user gives for a data set."""

from pathlib import Path

from genctl.errors import UserError, did_you_mean


def given_path(path: str | None, dataset: str, example: str) -> Path:
    """Return an existing path; UserError where none is given or nothing is there.

    dataset: the name of the config that wants it. example: what a good value looks like.
    """
    if path is None:
        raise UserError(f"dataset={dataset} needs dataset.path=..., such as dataset.path={example}.")
    found = Path(path).expanduser()
    if not found.exists():
        near = did_you_mean(found.name, [entry.name for entry in _entries(found.parent)])
        raise UserError(f"dataset.path={path} does not exist (looked at {found.absolute()}).{near}")
    return found


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
