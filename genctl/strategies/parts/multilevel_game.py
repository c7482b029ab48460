"""A game on images of several sizes, coarsest first, with a discriminator of each; losses are means over the sizes."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from genctl.compute.context import StepContext
from genctl.networks.blocks import Shape
from genctl.strategies.parts.game import Game
from genctl.strategies.parts.strategy import NetworkBuilder, OptimizerBuilder
from genctl.strategies.players.player import Loss, Player


class MultilevelGame:
    """The discriminators of images of some `shapes`, each half of the next, and how they are taught."""

    def __init__(self, game: Game, build: NetworkBuilder, shapes: Sequence[Shape], label_dim: int) -> None:
        self.game = game
        self.discriminators = [game.discriminator(build, shape, label_dim) for shape in shapes]

    def discriminator_player(self, optimizer: OptimizerBuilder) -> Player:
        """The player that moves all discriminators."""
        return self.game.discriminator_player(*self.discriminators, optimizer=optimizer)

    def discriminator_loss(
        self, image: tf.Tensor, fakes: Sequence[tf.Tensor], label: tf.Tensor, context: StepContext, training: bool
    ) -> Loss:
        """Tell images of each size from generated ones; as many sizes as were generated take part."""
        losses, reals = [], smaller(image, len(self.discriminators))
        for level, fake in enumerate(fakes):
            score = self.game.score(self.discriminators[level], label, training)
            losses.append(
                self.game.discriminator_loss(score, reals[level], fake, context.branch(f"level{level}"), training)
            )
        return mean(losses)

    def generator_loss(self, fakes: Sequence[tf.Tensor], label: tf.Tensor, context: StepContext) -> Loss:
        """Make images that the discriminator of each size calls real."""
        losses = []
        for level, fake in enumerate(fakes):
            score = self.game.score(self.discriminators[level], label, training=True)
            losses.append(self.game.generator_loss(score, fake, context.branch(f"level{level}")))
        return mean(losses)


def smaller(images: tf.Tensor, levels: int) -> list[tf.Tensor]:
    """Images (n, h, w, c) at so many sizes, smallest first, each the average over 2x2 of the next."""
    sizes = [images]
    for _ in range(levels - 1):
        sizes.insert(0, keras.ops.average_pool(sizes[0], 2, 2, "same"))
    return sizes


def numbered(role: str, networks: Sequence[keras.Model]) -> dict[str, keras.Model]:
    """Networks by role, numbered from that of the coarsest size."""
    return {f"{role}_{level}": network for level, network in enumerate(networks, start=1)}


def mean(losses: Sequence[Loss]) -> Loss:
    """The mean of the losses, and of each log."""
    logs = {name: tf.reduce_mean(tf.stack([logs[name] for _, logs in losses])) for name in losses[0][1]}
    return tf.reduce_mean(tf.stack([loss for loss, _ in losses])), logs
