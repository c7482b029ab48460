"""Moments of batch normalization that belong to averaged weights (Izmailov et al. 2018, section 3.2).

A layer's own moments are those of the weights that train, whose activations are others than the averaged weights'. The
mean of both over the same steps does not fit either: it lags behind, most of all early in a run.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from genctl.strategies.players.player import Player
from genctl.training import program
from genctl.training.averages import Averages

if TYPE_CHECKING:
    from genctl.training.run import Run

BATCHES = 16


class Moments:
    """Computes them anew at a step, where a player keeps an average and its networks normalize by batches."""

    def __init__(self) -> None:
        self.step: int | None = None  # the one they were computed at
        self._programs: dict[str, program.Training] = {}

    def renew(self, run: "Run") -> None:
        """Means over the moments of the next batches of training, of which no weight learns. Changes nothing else."""
        players = [player for player in run.strategy.players.values() if player.moments and player.has_averages]
        if not players or self.step == run.step:
            return
        networks = run.strategy.networks.values()
        others = [variable for network in networks for variable in network.non_trainable_variables]
        kept = [variable.numpy() for variable in others]
        with run.strategy.averaged(), _only_newest(players):
            means = self._means(run, [moment for player in players for moment in player.moving])
        for variable, value in zip(others, kept, strict=True):
            variable.assign(value)
        for moment, mean in zip([moment for player in players for moment in player.moments], means, strict=True):
            moment.assign(mean)
        self.step = run.step

    def _means(self, run: "Run", moving: list[Any]) -> list[np.ndarray]:
        """In float64, so that moments of a network that takes no part in this phase stay as they are."""
        sums = [np.zeros(moment.shape) for moment in moving]
        for step in range(run.step, run.step + BATCHES):
            inputs, number = run.train.inputs(run.order, step, 1), tf.constant(step, tf.int64)
            self._program(run)(inputs, number, tf.constant(1), number)
            sums = [total + moment.numpy() for total, moment in zip(sums, moving, strict=True)]
        return [(total / BATCHES).astype(np.float32) for total in sums]

    def _program(self, run: "Run") -> program.Training:
        context = dataclasses.replace(run.context(run.phase_done).branch("moments"), learning=False)
        compute = program.training(run.strategy, run.train, Averages(), context, xla=False)
        return self._programs.setdefault(run.phase_done, compute)


@contextlib.contextmanager
def _only_newest(players: list[Player]) -> Iterator[None]:
    """Within the block, the moments that a layer keeps are those of its newest batch alone."""
    norms = [norm for player in players for norm in player.norms]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
