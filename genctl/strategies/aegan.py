"""An autoencoder with a GAN of its codes, in three phases.

1. `autoencoder`: encoder E and decoder De minimise ||x - De(E(x))||^2.
2. `adversarial`: E and De stand still; a generator of codes G learns against a discriminator D of decoded images, with
   De(E(x)) as the real ones, so that G is asked for codes and not for detail that De cannot draw.
3. `joint`: all four move. D sees the images x themselves; E, De and G minimise
   reconstruction_weight ||x - De(E(x))||^2 - adversarial_weight E[log D(De(G(z)))].
"""

from typing import Literal

import tensorflow as tf
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.objectives.adversarial import ADVERSARIAL, AdversarialName
from genctl.objectives.likelihoods import LIKELIHOODS
from genctl.player import Logs, Player
from genctl.schedules import PositiveScheduled
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach


class AEGAN(Strategy):
    """Who moves in which phase stands in `step`."""

    monitor = "loss"
    likelihood = LIKELIHOODS["squared_error"]

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        latent_dim: PositiveInt,
        noise_dim: PositiveInt,
        phases: dict[Literal["autoencoder", "adversarial", "joint"], NonNegativeInt],
        reconstruction_weight: NonNegativeFloat,
        adversarial_weight: NonNegativeFloat,
        adversarial_learning_rate: PositiveScheduled,
        adversarial: AdversarialName,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.adversarial = ADVERSARIAL[adversarial]
        self.code_dim, self.noise_dim = latent_dim, noise_dim
        self.phases = {name: phases[name] for name in ("autoencoder", "adversarial", "joint")}
        self.reconstruction_weight, self.adversarial_weight = reconstruction_weight, adversarial_weight
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.generator = generator(input_shape=self.widened((noise_dim,)), output_shape=(latent_dim,))
        self.discriminator = discriminator(input_shape=self.widened(spec.image_shape), output_shape=(1,))
        self.autoencoder = Player("autoencoder", self.encoder, self.decoder, optimizer=optimizer())
        rate = {"learning_rate": adversarial_learning_rate}
        self.critic = Player("critic", self.discriminator, optimizer=optimizer(**rate))
        self.forger = Player("forger", self.generator, optimizer=optimizer(**rate))
        everyone = (self.encoder, self.decoder, self.generator)
        self.ensemble = Player("ensemble", *everyone, optimizer=optimizer(**rate), average_halflife=average_halflife)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        if context.phase == "autoencoder":
            return self.autoencoder.minimize(lambda: self.autoencoder_loss(batch, training=True), context)
        logs = self.critic.minimize(lambda: self.critic_loss(batch, context, training=True), context)
        if context.phase == "adversarial":
            return logs | self.forger.minimize(lambda: self.forger_loss(batch, context), context)
        return logs | self.ensemble.minimize(lambda: self.joint_loss(batch, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        critic_logs = self.critic_loss(batch, context, training=False)[1]
        return self.autoencoder_loss(batch, training=False)[1] | critic_logs

    def autoencoder_loss(self, batch: Batch, training: bool) -> tuple[tf.Tensor, Logs]:
        """Squared error of the reconstruction: summed over an example's numbers, mean over examples."""
        parameters = self.decoder(attach(self.encode(batch, training), self.condition(batch)), training=training)
        loss = tf.reduce_mean(self.likelihood.loss(batch["image"], parameters))
        return loss, {"loss": loss}

    def critic_loss(self, batch: Batch, context: StepContext, training: bool) -> tuple[tf.Tensor, Logs]:
        """Tell images (in the second phase: their reconstructions) from generated ones."""
        label = self.condition(batch)
        joint = context.phase == "joint"
        image = batch["image"] if joint else self.reconstruct(batch)
        real = self.discriminator(attach(image, label), training=training)
        generated = self.decode(self.draw(label, context.noise, "critic", training), label, training and joint)
        fake = self.discriminator(attach(generated, label), training=training)
        loss = self.adversarial.critic(real, fake)
        return loss, {"discriminator/loss": loss, **self.adversarial.accuracies(real, fake)}

    def forger_loss(self, batch: Batch, context: StepContext) -> tuple[tf.Tensor, Logs]:
        """Make codes whose images the discriminator calls real."""
        label = self.condition(batch)
        joint = context.phase == "joint"
        generated = self.decode(self.draw(label, context.noise, "forger", training=True), label, training=joint)
        fake = self.discriminator(attach(generated, label), training=True)
        loss = self.adversarial.forger(fake)
        return loss, {"generator/loss": loss}

    def joint_loss(self, batch: Batch, context: StepContext) -> tuple[tf.Tensor, Logs]:
        """The weighted sum of both losses."""
        reconstruction, reconstruction_logs = self.autoencoder_loss(batch, training=True)
        adversarial, adversarial_logs = self.forger_loss(batch, context)
        loss = self.reconstruction_weight * reconstruction + self.adversarial_weight * adversarial
        return loss, {**reconstruction_logs, **adversarial_logs, "joint_loss": loss}

    def encode(self, batch: Batch, training: bool = False) -> tf.Tensor:
        return on_sphere(self.encoder(attach(batch["image"], self.condition(batch)), training=training))

    def draw(self, label: tf.Tensor, noise: Noise, name: str = "sample", training: bool = False) -> tf.Tensor:
        z = noise.normal(f"z/{name}", (tf.shape(label)[0], self.noise_dim))
        return on_sphere(self.generator(attach(z, label), training=training))

    def decode(self, code: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.likelihood.image(self.decoder(attach(code, label), training=training))


def on_sphere(code: tf.Tensor) -> tf.Tensor:
    """Scale each code (n, d) to the length sqrt(d), so that encoder and generator share one bounded space."""
    return code * tf.math.rsqrt(tf.reduce_mean(tf.square(code), axis=1, keepdims=True) + 1e-8)
