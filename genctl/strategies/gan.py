"""The generative adversarial network (Goodfellow et al. 2014); objectives/adversarial.py has the games it can play."""

import keras
import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.objectives.adversarial import ADVERSARIAL, AdversarialName, accuracies
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
        adversarial: AdversarialName,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.adversarial = ADVERSARIAL[adversarial]
        self.code_dim = noise_dim
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
        loss = self.adversarial.critic(real, fake)
        return loss, {"discriminator/loss": loss, **accuracies(real, fake)}

    def forger_loss(self, batch: Batch, noise: Noise) -> tuple[tf.Tensor, Logs]:
        """Make images that the discriminator calls real."""
        label = self.condition(batch)
        fake = self.discriminator(attach(self.generate(label, noise, "forger", training=True), label), training=True)
        loss = self.adversarial.forger(fake)
        return loss, {"generator/loss": loss}

    def generate(self, label: tf.Tensor, noise: Noise, name: str, training: bool) -> tf.Tensor:
        """Images in [-1, 1], one for each row of `label`."""
        return self.decode(self.draw(label, noise, name), label, training)

    def draw(self, label: tf.Tensor, noise: Noise, name: str = "sample") -> tf.Tensor:
        return noise.normal(f"z/{name}", (keras.ops.shape(label)[0], self.code_dim))

    def decode(self, code: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        return keras.ops.tanh(self.generator(attach(code, label), training=training))
