"""A GAN whose images an autoencoder judges too: what looks like the data, it can reproduce.

Generator G, discriminator D, and an autoencoder AE(x) = De(E(x)), all learning at once:

    G minimises BCE(D(G(z)), 1) + w ||G(z) - AE(G(z))||^2, z ~ N(0, I), or with another game than cross-entropy
    E and De minimise ||x - AE(x)||^2 on images x: real ones, or as many generated ones beside them

The second term is the energy of a generated image in the energy-based GAN (Zhao et al. 2017, section 2.3),
whose autoencoder is the discriminator itself.
"""

import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.config.schedules import NonNegativeScheduled, at, scheduled
from genctl.data.spec import Spec
from genctl.strategies.parts.autoencoder import Autoencoder
from genctl.strategies.parts.game import Game
from genctl.strategies.parts.generator import PairedGenerator
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.players.player import Logs, Loss, Player


class GANThroughAE(Strategy):
    """The autoencoder learns first, then the discriminator, then the generator, which both of them judge."""

    augmentation = (
        "of real and generated images alike, as discriminator and autoencoder see them; what is drawn is not augmented"
    )

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        latent_dim: Width,
        reconstruction_weight: NonNegativeScheduled,
        learn_from_generated: bool,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.batches, self.code_dim = game, game.n_critic, latent_dim
        self.reconstruction_weight, self.learn_from_generated = reconstruction_weight, learn_from_generated
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.generator = generator(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.discriminator = game.discriminator(discriminator, spec.image_shape, self.label_dim)
        self.autoencoder = Autoencoder(self.encoder, self.decoder)
        self.paired_generator = PairedGenerator(self.generator, self.autoencoder, "image")
        self.autoencoder_player = Player("autoencoder", self.encoder, self.decoder, optimizer=optimizer())
        self.discriminator_player = game.discriminator_player(self.discriminator, optimizer=optimizer)
        self.generator_player = Player("generator", self.generator, optimizer=optimizer(), ema_halflife=ema_halflife)
        self.declare(
            self.autoencoder_player,
            self.discriminator_player,
            self.generator_player,
            encoder=self.encoder,
            decoder=self.decoder,
            generator=self.generator,
            discriminator=self.discriminator,
        )

    def step(self, batch: Batch, context: StepContext) -> Logs:
        reconstruction = self.autoencoder_player.minimize(
            *self.autoencoder_loss(self.game.last(batch), context), context
        )
        for part, turn in self.game.turns(batch, context):
            fake = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, fake, turn, training=True), turn)
        return (
            reconstruction | logs | self.generator_player.minimize(*self.generator_loss(part, fake, context), context)
        )

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        error = self.autoencoder.error(batch["image"], self.condition(batch))
        fake = self.generate(batch, context, training=False)
        return {"loss": error, **self.discriminator_loss(batch, fake, context, training=False)[1]}

    def autoencoder_loss(self, batch: Batch, context: StepContext) -> Loss:
        """Reproduce real images, and generated ones where these are to be learned from, all augmented alike."""
        image, label = context.augmented(batch["image"]), self.condition(batch)
        if self.learn_from_generated:
            generated = context.augmented(self.generate(batch, context, training=True), "generated")
            image, label = tf.concat([image, generated], axis=0), tf.concat([label, label], axis=0)
        return self.autoencoder.loss(image, label, context)

    def generate(self, batch: Batch, context: StepContext, training: bool) -> tf.Tensor:
        """Images in [-1, 1], one for each row of the batch."""
        label = self.condition(batch)
        return self.paired_generator.image(self.paired_generator.noise(label, context.noise), label, training)

    def discriminator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext, training: bool) -> Loss:
        """Tell images from generated ones."""
        score = self.game.score(self.discriminator, self.condition(batch), training)
        return self.game.discriminator_loss(score, batch["image"], fake, context, training)

    def generator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext) -> Loss:
        """Make images that the discriminator calls real and the autoencoder can reproduce."""
        label = self.condition(batch)
        score = self.game.score(self.discriminator, label, training=True)
        adversarial, logs = self.game.generator_loss(score, fake, context)
        error = self.autoencoder.error(context.augmented(fake, "judged"), label)
        logs |= {"generator/reconstruction": error}
        logs |= scheduled(context, reconstruction_weight=self.reconstruction_weight)
        return adversarial + at(self.reconstruction_weight, context) * error, logs

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.paired_generator.image(self.paired_generator.noise(label, noise), label)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.autoencoder.encode(self.sample(label, noise), label)

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.autoencoder.encode(batch["image"], self.condition(batch))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.autoencoder.decode(code, label)
