"""Names of the jobs of a sweep."""

import hashlib
import re
from collections.abc import Sequence

from genctl.cli import composition

NAME_BYTES = 100


def name_of(overrides: Sequence[str], typed: Sequence[str]) -> str | None:
    """Return a job's name: the overrides that vary between jobs, as "model-vae_seed-1", of at most 100 bytes.

    A directory of that name can be typed as `run=…` without quotes, which "=" and "," would need.
    """
    fixed = {o.key_or_group for o in composition.parse(typed) if not o.is_sweep_override()}
    words = [re.sub(r"(?i)='(?!null')([^'\\]+)'$", r"=\1", o.lstrip("+~")) for o in overrides]  # texts in quotes
    varied = {key: word for word in words if (key := word.partition("=")[0]) not in fixed}
    exact = list(varied.values())  # the last word of each key, of which a schedule has two
    name = "_".join(re.sub(r"[^\w.-]+", "-", o, flags=re.ASCII) for o in exact)
    if all(re.fullmatch(r"[\w./@]+=[\w.-]+", o, re.ASCII) for o in exact) and len(name.encode()) <= NAME_BYTES:
        return name or None
    mark = "-" + hashlib.sha256(",".join(exact).encode()).hexdigest()[:8]
    return name.encode()[: NAME_BYTES - len(mark)].decode(errors="ignore") + mark
