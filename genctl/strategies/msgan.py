"""A GAN of images at several sizes, each with a discriminator of its own.

All sizes learn together, so that every level of the generator is given a gradient directly (Karnewar and Wang 2020),
or they join in one after another from the smallest (Karras et al. 2018). A level that joins in starts as the enlarged
image of the one before (networks/multiscale.py): Karras et al. fade it in for that. The loss is the mean over levels.
"""

import functools

import keras
import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.player import Logs, Player
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.game import Game
from genctl.strategies.levels import MultilevelGame, numbered


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
        self.judges = MultilevelGame(game, discriminator, shapes, self.label_dim)
        if level_steps:
            self.phases = {f"level_{level}": level_steps for level in range(1, len(shapes) + 1)}
        self.forger = Player("forger", self.generator, optimizer=optimizer(), average_halflife=average_halflife)
        self.critic = self.judges.critic(optimizer)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The generator, and the discriminators from the smallest size."""
        return super().networks | numbered("discriminator", self.judges.discriminators)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        for part, turn in self.game.turns(batch, context):
            logs = self.critic.minimize(functools.partial(self.critic_loss, part, turn, training=True), turn)
        return logs | self.forger.minimize(lambda: self.forger_loss(part, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        return self.critic_loss(batch, context, training=False)[1]

    def critic_loss(self, batch: Batch, context: StepContext, training: bool) -> tuple[tf.Tensor, Logs]:
        """Tell images of each size from generated ones."""
        label = self.condition(batch)
        fakes = self.images(self.draw(label, context.noise, "critic"), label, self.levels(context.phase), training)
        return self.judges.critic_loss(batch["image"], fakes, label, context, training)

    def forger_loss(self, batch: Batch, context: StepContext) -> tuple[tf.Tensor, Logs]:
        """Make images that the discriminator of each size calls real."""
        label, active = self.condition(batch), self.levels(context.phase)
        fakes = self.images(self.draw(label, context.noise, "forger"), label, active, training=True)
        return self.judges.forger_loss(fakes, label, context)

    def levels(self, phase: str) -> int:
        """How many sizes, from the smallest, take part in a phase."""
        names = list(self.phases)
        return names.index(phase) + 1 if len(names) > 1 else len(self.generator.outputs)

    def images(self, code: tf.Tensor, label: tf.Tensor, levels: int, training: bool) -> list[tf.Tensor]:
        """Images in [-1, 1] of the first so many sizes; what only larger ones need is not computed."""
        generator = keras.Model(self.generator.inputs, self.generator.outputs[:levels])
        return [
            keras.ops.tanh(image) for image in keras.tree.flatten(generator(attach(code, label), training=training))
        ]

    def draw(self, label: tf.Tensor, noise: Noise, name: str = "sample") -> tf.Tensor:
        return noise.normal(f"z/{name}", (keras.ops.shape(label)[0], self.code_dim))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.images(code, label, len(self.generator.outputs), training=False)[-1]
