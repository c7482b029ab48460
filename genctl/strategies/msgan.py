"""A GAN of images at several sizes, each with a discriminator of its own.

All sizes learn together, so that every level of the generator is given a gradient directly (Karnewar and Wang 2020), or
they join in one after another from the smallest (Karras et al. 2018). An added level starts as the enlarged image of the
one before (networks/multiscale.py), which is what Karras et al. fade in for. The loss is the mean over the levels.
"""

import functools
from collections.abc import Sequence

import keras
import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.player import Logs, Player
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.game import Game


class MSGAN(Strategy):
    """The critic, who has a discriminator for each size, takes its turns; then the forger takes one."""

    def __init__(
        self,
        spec: Spec,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        noise_dim: PositiveInt,
        level_steps: NonNegativeInt,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.parts = game, game.critic_turns
        self.code_dim = noise_dim
        self.generator = generator(
            input_shape=self.widened((noise_dim,)), output_shape=spec.image_shape, several_sizes=True
        )
        shapes = [tuple(output.shape[1:]) for output in self.generator.outputs]
        self.discriminators = [game.discriminator(discriminator, shape, self.label_dim) for shape in shapes]
        if level_steps:
            self.phases = {f"level_{level}": level_steps for level in range(1, len(shapes) + 1)}
        self.forger = Player("forger", self.generator, optimizer=optimizer(), average_halflife=average_halflife)
        self.critic = game.critic(*self.discriminators, optimizer=optimizer)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The generator, and the discriminators from the smallest size."""
        judges = {f"discriminator_{level}": network for level, network in enumerate(self.discriminators, start=1)}
        return super().networks | judges

    def step(self, batch: Batch, context: StepContext) -> Logs:
        for part, turn in self.game.turns(batch, context):
            logs = self.critic.minimize(functools.partial(self.critic_loss, part, turn, training=True), turn)
        return logs | self.forger.minimize(lambda: self.forger_loss(part, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        return self.critic_loss(batch, context, training=False)[1]

    def critic_loss(self, batch: Batch, context: StepContext, training: bool) -> tuple[tf.Tensor, Logs]:
        """Tell images of each size from generated ones."""
        label, levels = self.condition(batch), self.levels(context.phase)
        fakes = self.images(self.draw(label, context.noise, "critic"), label, levels, training)
        reals = smaller(batch["image"], len(self.discriminators))
        losses = []
        for level in range(levels):
            score = self.game.score(self.discriminators[level], label, training)
            now = context.branch(f"level{level}")
            losses.append(self.game.critic_loss(score, reals[level], fakes[level], now, training))
        return mean(losses)

    def forger_loss(self, batch: Batch, context: StepContext) -> tuple[tf.Tensor, Logs]:
        """Make images that the discriminator of each size calls real."""
        label, levels = self.condition(batch), self.levels(context.phase)
        fakes = self.images(self.draw(label, context.noise, "forger"), label, levels, training=True)
        losses = []
        for level in range(levels):
            score = self.game.score(self.discriminators[level], label, training=True)
            losses.append(self.game.forger_loss(score, fakes[level], context.branch(f"level{level}")))
        return mean(losses)

    def levels(self, phase: str) -> int:
        """How many sizes, from the smallest, take part in a phase."""
        names = list(self.phases)
        return names.index(phase) + 1 if len(names) > 1 else len(self.discriminators)

    def images(self, code: tf.Tensor, label: tf.Tensor, levels: int, training: bool) -> list[tf.Tensor]:
        """Images in [-1, 1] of the first so many sizes; what only larger ones need is not computed."""
        generator = keras.Model(self.generator.inputs, self.generator.outputs[:levels])
        return [tf.tanh(image) for image in keras.tree.flatten(generator(attach(code, label), training=training))]

    def draw(self, label: tf.Tensor, noise: Noise, name: str = "sample") -> tf.Tensor:
        return noise.normal(f"z/{name}", (tf.shape(label)[0], self.code_dim))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.images(code, label, len(self.discriminators), training=False)[-1]


def smaller(images: tf.Tensor, levels: int) -> list[tf.Tensor]:
    """Images (n, h, w, c) at so many sizes, smallest first, each the average over 2x2 of the next."""
    sizes = [images]
    for _ in range(levels - 1):
        sizes.insert(0, tf.nn.avg_pool2d(sizes[0], 2, 2, "SAME"))
    return sizes


def mean(losses: Sequence[tuple[tf.Tensor, Logs]]) -> tuple[tf.Tensor, Logs]:
    """The mean of the losses, and of each log."""
    logs = {name: tf.reduce_mean(tf.stack([logs[name] for _, logs in losses])) for name in losses[0][1]}
    return tf.reduce_mean(tf.stack([loss for loss, _ in losses])), logs
