"""What evaluations compute once, in the user's cache: feature networks, features of real examples, and floors."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from genctl import __version__
from genctl.data.cache import cache_path, made_once
from genctl.errors import UserError

Arrays = dict[str, np.ndarray]


def kept(kind: str, key: Mapping[str, Any], make: Callable[[], Arrays]) -> tuple[Arrays, str]:
    """The arrays that `make` returns, from the cache where they were made before, and their SHA-256.

    key: plain types: all that the arrays depend on. Raises UserError where the cache is damaged or cannot be written.
    """
    text = json.dumps({**key, "version": __version__}, sort_keys=True)
    path = cache_path("evaluation", kind, f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors")

    def fill(part: Path) -> None:
        arrays = {name: np.asarray(array, order="C") for name, array in make().items()}
        save_file(arrays, part, {"sha256": digest(arrays)})

    return _read(made_once(path, fill))


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256, in hex, of names, shapes, types and bytes."""
    whole = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        whole.update(f"{name} {array.shape} {array.dtype.str} ".encode())
        whole.update(array.tobytes())
    return whole.hexdigest()


def _read(path: Path) -> tuple[Arrays, str]:
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            written = (file.metadata() or {}).get("sha256")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}): delete it.") from error
    if digest(arrays) != written:
        raise UserError(f"{path} has not the SHA-256 that it was written with: delete it.")
    return arrays, written
