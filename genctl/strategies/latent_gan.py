"""A GAN of the codes of an autoencoder that is trained before (Achlioptas et al. 2018, section 4, "l-GAN").

1. `autoencoder`: encoder E and decoder De minimise ||x - De(E(x))||^2.
2. `adversarial`: both stand still; a generator G of codes and a discriminator D of codes play
   max_G min_D E[D(G(z))] - E[D(E(x))], z ~ N(0, I), or another game of objectives/adversarial.py.
"""

import functools

import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.config.schedules import PositiveScheduled
from genctl.data.spec import Spec
from genctl.strategies.parts.autoencoder import Autoencoder
from genctl.strategies.parts.game import Game
from genctl.strategies.parts.generator import PairedGenerator
from genctl.strategies.parts.phases import TwoPhases, in_order, span_of
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.players.player import Logs, Loss, Player


class LatentGAN(Strategy):
    """The discriminator never sees an image."""

    augmentation = "of the images to be reconstructed; the discriminator sees codes of images as they are"

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
        phases: TwoPhases,
        autoencoder: str | None,
        adversarial_learning_rate: PositiveScheduled,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.phases, self.pretrained = in_order(phases, autoencoder), autoencoder
        self.game, self.batches, self.code_dim = game, game.n_critic, latent_dim
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.generator = generator(input_shape=self.widened((latent_dim,)), output_shape=(latent_dim,))
        self.discriminator = game.discriminator(discriminator, (latent_dim,), self.label_dim)
        self.autoencoder = Autoencoder(self.encoder, self.decoder)
        self.paired_generator = PairedGenerator(self.generator, self.autoencoder, "code")
        slow = functools.partial(optimizer, learning_rate=adversarial_learning_rate)
        self.autoencoder_player = Player("autoencoder", self.encoder, self.decoder, optimizer=optimizer())
        self.discriminator_player = game.discriminator_player(self.discriminator, optimizer=slow)
        self.generator_player = Player("generator", self.generator, optimizer=slow(), ema_halflife=ema_halflife)
        self.declare(
            self.autoencoder_player,
            self.discriminator_player,
            self.generator_player,
            encoder=self.encoder,
            decoder=self.decoder,
            generator=self.generator,
            discriminator=self.discriminator,
        )

    def span(self, phase: str, total: int) -> tuple[int, int]:
        return span_of(phase, self.phases, total)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        if context.phase == "autoencoder":
            batch = self.game.last(batch)
            image, label = context.augmented(batch["image"]), self.condition(batch)
            return self.autoencoder_player.minimize(*self.autoencoder.loss(image, label, context), context)
        context = context.without_augmentation()  # what the game is about are codes
        for part, turn in self.game.turns(batch, context):
            fake = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, fake, turn, training=True), turn)
        return logs | self.generator_player.minimize(*self.generator_loss(part, fake, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        error = self.autoencoder.error(batch["image"], self.condition(batch))
        fake = self.generate(batch, context, training=False)
        return {"loss": error, **self.discriminator_loss(batch, fake, context, training=False)[1]}

    def generate(self, batch: Batch, context: StepContext, training: bool) -> tf.Tensor:
        """Codes from noise, one for each row of the batch."""
        label = self.condition(batch)
        return self.paired_generator.make(self.paired_generator.noise(label, context.noise), label, training)

    def discriminator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext, training: bool) -> Loss:
        """Tell codes of images from generated ones."""
        score = self.game.score(self.discriminator, self.condition(batch), training)
        return self.game.discriminator_loss(score, self.encode(batch), fake, context, training)

    def generator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext) -> Loss:
        """Make codes that the discriminator takes for those of images."""
        score = self.game.score(self.discriminator, self.condition(batch), training=True)
        return self.game.generator_loss(score, fake, context)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.paired_generator.code(self.paired_generator.noise(label, noise), label)

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.autoencoder.encode(batch["image"], self.condition(batch))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.autoencoder.decode(code, label)
