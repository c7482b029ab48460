"""The generative adversarial network (Goodfellow et al. 2014); game.py has the ways in which its critic is taught."""

import functools

import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.player import Logs, Player
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.game import Game


class GAN(Strategy):
    """The critic takes its turns, each on a part of the batch; then the forger takes one."""

    def __init__(
        self,
        spec: Spec,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        noise_dim: PositiveInt,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.parts = game, game.critic_turns
        self.code_dim = noise_dim
        self.generator = generator(input_shape=self.widened((noise_dim,)), output_shape=spec.image_shape)
        self.discriminator = game.discriminator(discriminator, spec.image_shape, self.label_dim)
        self.forger = Player("forger", self.generator, optimizer=optimizer(), average_halflife=average_halflife)
        self.critic = game.critic(self.discriminator, optimizer=optimizer)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        for part, turn in self.game.turns(batch, context):
            logs = self.critic.minimize(functools.partial(self.critic_loss, part, turn, training=True), turn)
        return logs | self.forger.minimize(lambda: self.forger_loss(part, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        return self.critic_loss(batch, context, training=False)[1]

    def critic_loss(self, batch: Batch, context: StepContext, training: bool) -> tuple[tf.Tensor, Logs]:
        """Tell images from generated ones."""
        label = self.condition(batch)
        fake = self.generate(label, context.noise, "critic", training)
        score = self.game.score(self.discriminator, label, training)
        return self.game.critic_loss(score, batch["image"], fake, context, training)

    def forger_loss(self, batch: Batch, context: StepContext) -> tuple[tf.Tensor, Logs]:
        """Make images that the discriminator calls real."""
        label = self.condition(batch)
        fake = self.generate(label, context.noise, "forger", training=True)
        return self.game.forger_loss(self.game.score(self.discriminator, label, training=True), fake, context)

    def generate(self, label: tf.Tensor, noise: Noise, name: str, training: bool) -> tf.Tensor:
        """Images in [-1, 1], one for each row of `label`."""
        return self.decode(self.draw(label, noise, name), label, training)

    def draw(self, label: tf.Tensor, noise: Noise, name: str = "sample") -> tf.Tensor:
        return noise.normal(f"z/{name}", (tf.shape(label)[0], self.code_dim))

    def decode(self, code: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.tanh(self.generator(attach(code, label), training=training))
