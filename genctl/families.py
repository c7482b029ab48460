"""Which families can do what."""

import yaml

from genctl.commandline import paths
from genctl.instantiate import locate


def families(ability: str) -> list[str]:
    """The choices of model=… that have all that one of strategies.base.ABILITIES needs."""
    able = []
    for path in sorted((paths.builtin() / "model").glob("*.yaml")):
        target = (yaml.safe_load(path.read_text()).get("model") or {}).get("_target_")
        if target and locate(target, "model", ()).may(ability):  # type: ignore[attr-defined]
            able.append(path.stem)
    return able
