"""Features of many examples by one network."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from rich.progress import MofNCompleteColumn

from genctl.data.bars import progress_bar
from genctl.data.examples import Split
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.metrics.features.extractor import Extractor
from genctl.metrics.features.feature_cache import Arrays, cached


def extract_split(extractor: Extractor, spec: Spec, split: Split) -> np.ndarray:
    """Features (n, d) of all examples of a split, in its order; kept on disk."""

    def make() -> Arrays:
        places, step = np.arange(split.size), extractor.batch
        blocks = (split.take(places[first : first + step]).images for first in range(0, split.size, step))
        return {"features": extract(extractor, spec, blocks, split.size, f"features of {split.name} examples")}

    return cached_by(extractor, spec, "features", {"split": split}, make)["features"]


def extract(extractor: Extractor, spec: Spec, blocks: Iterable[np.ndarray], total: int, what: str) -> np.ndarray:
    """Features (total, d) of blocks of examples, with a bar that says `what` they are of."""
    parts = []
    with progress_bar(what, total, MofNCompleteColumn()) as advance:
        for block in blocks:
            parts.append(_features(extractor, spec, block))
            advance(len(block))
    return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)


def cached_by(
    extractor: Extractor, spec: Spec, kind: str, key: Mapping[str, Any], make: Callable[[], Arrays]
) -> Arrays:
    """Arrays that depend on the network and on what `key` says; from the cache where all of that is known."""
    network = extractor.key
    return make() if network is None else cached(kind, spec, {"network": network, **key}, make)[0]


def _features(extractor: Extractor, spec: Spec, block: np.ndarray) -> np.ndarray:
    features = extractor.features(spec.to_unit(spec.to_bytes(block) if spec.is_image else block))
    if not np.isfinite(features).all():
        raise UserError(
            f"features={extractor.name}: the network gives NaN or infinite values: its weights are broken. "
            "Choose others, such as features=pixels."
        )
    return features
