"""A game on images of several sizes, coarsest first, with a discriminator of each; losses are means over the sizes."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from genctl.context import StepContext
from genctl.player import Logs
from genctl.strategies.game import Game


def smaller(images: tf.Tensor, levels: int) -> list[tf.Tensor]:
    """Images (n, h, w, c) at so many sizes, smallest first, each the average over 2x2 of the next."""
    sizes = [images]
    for _ in range(levels - 1):
        sizes.insert(0, keras.ops.average_pool(sizes[0], 2, 2, "same"))
    return sizes


def critic_loss(
    game: Game,
    discriminators: Sequence[keras.Model],
    reals: Sequence[tf.Tensor],
    fakes: Sequence[tf.Tensor],
    label: tf.Tensor,
    context: StepContext,
    training: bool,
) -> tuple[tf.Tensor, Logs]:
    """Tell images of each size from generated ones; as many sizes as were generated take part."""
    losses = []
    for level, fake in enumerate(fakes):
        score = game.score(discriminators[level], label, training)
        losses.append(game.critic_loss(score, reals[level], fake, context.branch(f"level{level}"), training))
    return mean(losses)


def forger_loss(
    game: Game,
    discriminators: Sequence[keras.Model],
    fakes: Sequence[tf.Tensor],
    label: tf.Tensor,
    context: StepContext,
) -> tuple[tf.Tensor, Logs]:
    """Make images that the discriminator of each size calls real."""
    losses = []
    for level, fake in enumerate(fakes):
        score = game.score(discriminators[level], label, training=True)
        losses.append(game.forger_loss(score, fake, context.branch(f"level{level}")))
    return mean(losses)


def mean(losses: Sequence[tuple[tf.Tensor, Logs]]) -> tuple[tf.Tensor, Logs]:
    """The mean of the losses, and of each log."""
    logs = {name: tf.reduce_mean(tf.stack([logs[name] for _, logs in losses])) for name in losses[0][1]}
    return tf.reduce_mean(tf.stack([loss for loss, _ in losses])), logs
