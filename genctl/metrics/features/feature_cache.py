"""What evaluations compute once, in the user's cache: feature networks, features of real examples, and floors.

A run that comes from a stranger computes into the same cache as the user's own runs do. Each file is therefore named
by the hash of all that it was made of, holds that itself, and is checked for both and for its content when it is read.
"""

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from genctl.config.files import regular
from genctl.data.cache import cache_path, made_once
from genctl.data.examples import Split
from genctl.data.spec import Spec
from genctl.errors import UserError

Arrays = dict[str, np.ndarray]
LIBRARIES = ("genctl", "keras", "numpy", "scikit-learn", "tensorflow")


def cached(kind: str, spec: Spec, key: Mapping[str, Any], make: Callable[[], Arrays]) -> tuple[Arrays, str]:
    """The arrays that `make` returns, from the cache where they were made before, and their SHA-256.

    kind: the folder in the cache. key: plain types and splits: all that the arrays depend on beside the spec of the
    examples and the versions of the libraries. Raises UserError where the cache is damaged or cannot be written.
    """
    made_of = {"kind": kind, "spec": dataclasses.replace(spec, decided={}).to_json(), "versions": versions(), **key}
    text = json.dumps(made_of, sort_keys=True, default=_fingerprint)
    path = cache_path("evaluation", kind, f"{hashlib.sha256(text.encode()).hexdigest()}.safetensors")

    def fill(part: Path) -> None:
        arrays = {name: np.asarray(array, order="C") for name, array in make().items()}
        save_file(arrays, part, {"sha256": digest(arrays), "made_of": text})

    return _read(made_once(path, fill), text)


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256, in hex, of names, shapes, types and bytes."""
    whole = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        whole.update(f"{name} {array.shape} {array.dtype.str} ".encode())
        whole.update(array.tobytes())
    return whole.hexdigest()


@functools.cache
def versions() -> dict[str, str]:
    """The versions of genctl and of the libraries that compute what is kept, by name."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def _fingerprint(value: Any) -> str:
    if isinstance(value, Split):
        return value.fingerprint
    raise TypeError(f"{value!r} is no plain type and no split")


def _read(path: Path, made_of: str) -> tuple[Arrays, str]:
    try:
        with safe_open(regular(path), "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            written = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}): delete it.") from error
    sha256 = digest(arrays)
    if sha256 != written.get("sha256"):
        raise UserError(f"{path} has not the SHA-256 that it was written with: delete it.")
    if written.get("made_of") != made_of:
        raise UserError(f"{path} was made of other examples, settings or versions than its name says: delete it.")
    return arrays, sha256
