"""Which families can do what."""

import yaml

from genctl.config import paths
from genctl.config.instantiate import locate


def families(ability: str) -> list[str]:
    """The choices of model=… that have all that one of ABILITIES in strategies/parts/strategy.py needs."""
    able = []
    for path in sorted((paths.builtin() / "model").glob("*.yaml")):
        target = (yaml.safe_load(path.read_text()).get("model") or {}).get("_target_")
        if target and locate(target, "model", ()).may(ability):  # type: ignore[attr-defined]
            able.append(path.stem)
    return able
