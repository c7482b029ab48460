"""Runs of other versions of genctl: their configs have other names, so that this one cannot build them."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genctl.errors import UserError
from genctl.runs import records

SINCE = (0, 2)  # the first version whose runs this one can open
_MODULES = re.compile(r"genctl\.strategies\.\w+\.\w+", re.ASCII)  # how a config named a model before


def require_known(directory: Path, config: Mapping[str, Any]) -> None:
    """Raise UserError for a run that another version made, whose config this one cannot build; say what to do."""
    provenance = records.read_provenance(directory)
    made_by = _version(provenance.sessions if provenance else [])
    before = _numbers(made_by) < SINCE if made_by else bool(_MODULES.fullmatch(str(config["model"].get("_target_"))))
    own = version("genctl")
    if before:
        again = f": {provenance.command}" if provenance else "."
        raise UserError(
            f"{directory} was made by genctl {made_by or '0.1'}, and genctl {own} cannot open it, since parts of "
            f"models and settings have other names now. Use genctl 0.1, or train it again under another name=…{again}"
        )
    if made_by and _numbers(made_by) > _numbers(own):
        raise UserError(f"{directory} was made by genctl {made_by}, which is newer than this one, {own}: install that.")


def _version(sessions: list[dict[str, Any]]) -> str | None:
    """What the newest session says; None for what is no version."""
    packages = sessions[-1].get("packages") if sessions else None
    text = packages.get("genctl") if isinstance(packages, dict) else None
    return text if isinstance(text, str) and re.match(r"\d{1,6}\.\d{1,6}", text, re.ASCII) else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(".")[:2])
