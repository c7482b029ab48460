"""The generative adversarial network (Goodfellow et al. 2014) with the non-saturating loss of its section 3.

Discriminator: minimise -E[log D(x)] - E[log(1 - D(G(z)))]. Generator: minimise -E[log D(G(z))].
"""

import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.objectives.adversarial import accuracies, discriminator_loss, non_saturating_loss
from genctl.player import Logs, Player
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach


class GAN(Strategy):
    """A critic and a forger take turns, one step each."""

    def __init__(
        self,
        spec: Spec,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        noise_dim: PositiveInt,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.noise_dim = noise_dim
        self.generator = generator(input_shape=self.widened((noise_dim,)), output_shape=spec.image_shape)
        self.discriminator = discriminator(input_shape=self.widened(spec.image_shape), output_shape=(1,))
        self.forger = Player("forger", self.generator, optimizer=optimizer(), average_halflife=average_halflife)
        self.critic = Player("critic", self.discriminator, optimizer=optimizer())

    def step(self, batch: Batch, context: StepContext) -> Logs:
        logs = self.critic.minimize(lambda: self.critic_loss(batch, context.noise, training=True), context)
        return logs | self.forger.minimize(lambda: self.forger_loss(batch, context.noise), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        return self.critic_loss(batch, context.noise, training=False)[1]

    def critic_loss(self, batch: Batch, noise: Noise, training: bool) -> tuple[tf.Tensor, Logs]:
        """Tell images from generated ones."""
        label = self.condition(batch)
        real = self.discriminator(attach(batch["image"], label), training=training)
        fake = self.discriminator(attach(self.generate(label, noise, "critic", training), label), training=training)
        loss = discriminator_loss(real, fake)
        return loss, {"discriminator/loss": loss, **accuracies(real, fake)}

    def forger_loss(self, batch: Batch, noise: Noise) -> tuple[tf.Tensor, Logs]:
        """Make images that the discriminator calls real."""
        label = self.condition(batch)
        fake = self.discriminator(attach(self.generate(label, noise, "forger", training=True), label), training=True)
        loss = non_saturating_loss(fake)
        return loss, {"generator/loss": loss}

    def generate(self, label: tf.Tensor, noise: Noise, name: str, training: bool) -> tf.Tensor:
        """Images in [-1, 1], one for each row of `label`."""
        z = noise.normal(f"z/{name}", (tf.shape(label)[0], self.noise_dim))
        return tf.tanh(self.generator(attach(z, label), training=training))

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.generate(label, noise, "sample", training=False)
