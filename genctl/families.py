"""Which families can do what."""

from typing import Any

import yaml

from genctl.commandline import paths
from genctl.instantiate import locate


def families(ability: str) -> list[str]:
    """The choices of model=… that have all that one of strategies.base.ABILITIES needs."""
    from genctl.strategies.base import ABILITIES, Strategy

    def able(family: Any) -> bool:
        return all(getattr(family, part) is not getattr(Strategy, part) for part in ABILITIES[ability])

    files = sorted((paths.builtin() / "model").glob("*.yaml"))
    targets = {file.stem: (yaml.safe_load(file.read_text()).get("model") or {}).get("_target_") for file in files}
    return [name for name, target in targets.items() if target and able(locate(target, "model", ()))]
