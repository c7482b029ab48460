"""What metrics of single examples share: which examples, what a strategy makes of them, and means over them."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genctl.data.examples import Split
from genctl.errors import Unsuited
from genctl.metrics.evaluation import Evaluation, Number

if TYPE_CHECKING:
    import tensorflow as tf

    from genctl.compute.context import Noise
    from genctl.strategies.parts.strategy import Batch, Strategy

    Function = Callable[[Batch, Noise], tf.Tensor]

BATCH = 256


def applied(
    function: "Function", strategy: "Strategy", split: Split, seed: int = 0, purpose: str = ""
) -> Iterator[np.ndarray]:
    """What `function` makes of each batch of a split, with the running averages of weights where they are kept.

    seed, purpose: of the noise, which also depends on the place of a batch's first example. Raises Unsuited where the
    strategy gives numbers that are not finite.
    """
    import tensorflow as tf

    from genctl.compute.compiled import compiled
    from genctl.compute.context import Noise
    from genctl.data.batches import batch

    noise = Noise(seed, purpose=f"evaluation/{purpose}")
    program = compiled(lambda given, place: function(given, noise.at(place)), reduce_retracing=True)
    with strategy.averaged():
        for place in range(0, split.size, BATCH):
            examples = split.take(np.arange(place, min(place + BATCH, split.size)))
            given = batch((examples.images, examples.labels), strategy.spec)
            values = program(given, tf.constant(place, tf.int64)).numpy()
            if not np.isfinite(values).all():
                raise Unsuited("the run gives NaN or infinite values for some examples: its weights are broken")
            yield values


def encoded(strategy: "Strategy", split: Split) -> np.ndarray:
    """Codes (n, d) of a split's examples, the means where they are random."""
    return np.concatenate([*applied(lambda batch, noise: strategy.encode(batch), strategy, split)])


def protocol(evaluation: Evaluation, split: Split) -> dict[str, Any]:
    """Which examples a number is about: the split, or the first of the evaluation's; and what was done to them."""
    data = f"{evaluation.spec.name} {evaluation.real.fingerprint[:12]}"
    return {"split": split.name, "real": split.size, "data": data, **evaluation.prepared}


def mean_number(metric: str, values: np.ndarray, unit: str, settings: Mapping[str, Any]) -> Number:
    """The mean of one value an example, (n,), with its standard error over examples."""
    values = values.astype(np.float64)
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return Number(metric, float(values.mean()), unit, settings, error)
