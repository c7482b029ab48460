"""What the command line says beside the configuration itself."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Invocation:
    """One call of a verb.

    command: the line as it was typed, quoted for a shell.
    choices: the option chosen in each config group, such as {"model": "vae"}.
    trust: the packages that `trust=[…]` on the command line names; a config file cannot add to them.
    job: a readable name of this job within a sweep, such as "model-vae_seed-1"; None outside sweeps.
    """

    verb: str
    command: str
    choices: Mapping[str, str]
    trust: tuple[str, ...] = ()
    job: str | None = None
