"""Bounds of log p(x) from many codes of each example, in portions that bound the memory and stay in the cache."""

import functools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from rich.progress import MofNCompleteColumn

from genctl.compute.compiled import compiled
from genctl.compute.context import Noise
from genctl.data.bars import progress_bar
from genctl.data.batches import Stored, batch
from genctl.data.examples import Examples, Split
from genctl.metrics.per_example import applied
from genctl.objectives.binarization import BINARIZATIONS
from genctl.strategies.parts.strategy import Strategy
from genctl.training.engine import suits_xla

Program = Callable[[Stored, tf.Tensor], dict[str, tf.Tensor]]
CELLS = 2**19  # numbers in the decoded images of one portion: 2 MiB
AT_ONCE = 2  # calls


def bounds(strategy: Strategy, split: Split, k: int, binarization: str, seed: int) -> dict[str, np.ndarray]:
    """Of each example (n,), from k codes: importance_weighted_bound, elbo, distortion and rate, in nats.

    The weights are the running averages where they are kept. binarization: a name of BINARIZATIONS.
    """
    rows = max(1, CELLS // strategy.spec.size)
    portions = math.ceil(k / rows)  # of an example's codes
    examples = max(1, min(rows // k, split.size))  # of one call
    run = program(strategy, k, portions, Noise(seed, purpose="evaluation/likelihood"))
    split = binarized(strategy, split, binarization, seed)
    device = tf.constant(0).device  # threads begin without one

    def call(place: int) -> dict[str, np.ndarray]:
        places = np.minimum(np.arange(place, place + examples), split.size - 1)  # one shape: compiled once
        stored = split.take(places)
        with tf.device(device):
            results = run((tf.constant(stored.images), tf.constant(stored.labels)), tf.constant(place, tf.int64))
        return {name: values.numpy()[: split.size - place] for name, values in results.items()}

    portions_done: list[dict[str, np.ndarray]] = []
    with strategy.averaged(), progress_bar("likelihood", split.size, MofNCompleteColumn()) as advance:
        for part in overlapping(call, range(0, split.size, examples)):
            portions_done.append(part)
            advance(len(part["elbo"]))
    return {name: np.concatenate([part[name] for part in portions_done]) for name in portions_done[0]}


def overlapping(call: Callable[[int], dict[str, np.ndarray]], places: Iterable[int]) -> Iterator[dict[str, np.ndarray]]:
    """The results of the calls in order, a few at a time, so that no core waits where one call uses another alone."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending: deque[Future[dict[str, np.ndarray]]] = deque()
        for place in places:
            pending.append(pool.submit(call, place))
            if len(pending) > AT_ONCE:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def binarized(strategy: Strategy, split: Split, binarization: str, seed: int) -> Split:
    """The split with intensities of 0 or 1, which are the same whatever k is; as it is for `none`."""
    if binarization == "none":
        return split
    make, spec = BINARIZATIONS[binarization], strategy.spec
    parts = applied(lambda given, noise: make(given["image"], noise), strategy, split, seed, "binarization")
    whites = np.concatenate(list(parts)) > 0
    low, high = spec.ends(split.pool.images.dtype)
    images = np.where(whites, high, low).astype(split.pool.images.dtype)
    places = np.arange(split.size)
    return Split(split.name, Examples(images, split.take(places).labels), places)


@functools.lru_cache(maxsize=1)  # a run that evaluates itself again and again compiles once
def program(strategy: Strategy, k: int, portions: int, noise: Noise) -> Program:
    """Compile a function of (stored examples, place of their first) to the bounds of each by name."""
    samples = math.ceil(k / portions)

    @compiled(jit_compile=suits_xla(strategy, tf.constant(0).device, resident=True) or None)
    def run(stored: Stored, place: tf.Tensor) -> dict[str, tf.Tensor]:
        given = batch(stored, strategy.spec)

        def body(portion: tf.Tensor, log_sum: tf.Tensor, likelihood: tf.Tensor, ratio: tf.Tensor) -> tuple:
            now = noise.at(place * portions + tf.cast(portion, tf.int64))
            likelihoods, ratios = strategy.log_terms(given, now, samples)
            counts = portion * samples + tf.range(samples) < k  # the last portion may hold some too many
            weights = tf.where(counts, likelihoods + ratios, -math.inf)
            log_sum = tf.reduce_logsumexp(tf.concat([log_sum[:, None], weights], axis=1), axis=1)
            likelihood += tf.reduce_sum(tf.where(counts, likelihoods, 0.0), axis=1)
            ratio += tf.reduce_sum(tf.where(counts, ratios, 0.0), axis=1)
            return portion + 1, log_sum, likelihood, ratio

        zeros = tf.zeros(tf.shape(given["image"])[:1])
        start = (0, zeros - math.inf, zeros, zeros)
        _, log_sum, likelihood, ratio = tf.while_loop(lambda portion, *_: portion < portions, body, start)
        return {
            "importance_weighted_bound": log_sum - math.log(k),
            "elbo": (likelihood + ratio) / k,
            "distortion": -likelihood / k,
            "rate": -ratio / k,
        }

    return run
