"""The adversarial autoencoder (Makhzani et al. 2016, section 2): a GAN makes the codes of all data look like the prior.

Each step has the paper's two phases. Reconstruction: encoder E and decoder De minimise ||x - De(E(x))||^2.
Regularization: a discriminator D of codes, for which draws of the prior are real, and E as its generator play

    min_E max_D E[log D(z)] + E[log(1 - D(E(x)))], z ~ N(0, I), or another game of objectives/adversarial.py.
"""

import functools

import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.config.schedules import PositiveScheduled
from genctl.data.spec import Spec
from genctl.strategies.parts.autoencoder import Autoencoder
from genctl.strategies.parts.game import Game
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.players.player import Logs, Loss, Player


class AAE(Strategy):
    """The encoder belongs to two players: one for the reconstruction, and one against the discriminator."""

    monitor = "loss"
    augmentation = "of the images to be reconstructed; the discriminator sees codes of images as they are"

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        latent_dim: Width,
        adversarial_learning_rate: PositiveScheduled,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.batches, self.code_dim = game, game.n_critic, latent_dim
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.discriminator = game.discriminator(discriminator, (latent_dim,), self.label_dim)
        self.autoencoder = Autoencoder(self.encoder, self.decoder)
        slow = functools.partial(optimizer, learning_rate=adversarial_learning_rate)
        self.generator_player = Player("generator", self.encoder, optimizer=slow())
        self.discriminator_player = game.discriminator_player(self.discriminator, optimizer=slow)
        self.autoencoder_player = Player(
            "autoencoder", self.encoder, self.decoder, optimizer=optimizer(), ema_halflife=ema_halflife
        )
        self.declare(
            self.autoencoder_player,
            self.discriminator_player,
            self.generator_player,
            encoder=self.encoder,
            decoder=self.decoder,
            discriminator=self.discriminator,
        )

    def step(self, batch: Batch, context: StepContext) -> Logs:
        last = self.game.last(batch)
        image, label = context.augmented(last["image"]), self.condition(last)
        reconstruction = self.autoencoder_player.minimize(*self.autoencoder.loss(image, label, context), context)
        context = context.without_augmentation()  # what the game is about are codes
        for part, turn in self.game.turns(batch, context):
            code = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, code, turn, training=True), turn)
        return (
            reconstruction | logs | self.generator_player.minimize(*self.generator_loss(part, code, context), context)
        )

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        error = self.autoencoder.error(batch["image"], self.condition(batch))
        code = self.generate(batch, context, training=False)
        return {"loss": error, **self.discriminator_loss(batch, code, context, training=False)[1]}

    def generate(self, batch: Batch, context: StepContext, training: bool) -> tf.Tensor:
        """The codes of the batch's images."""
        return self.autoencoder.encode(batch["image"], self.condition(batch), training)

    def discriminator_loss(self, batch: Batch, code: tf.Tensor, context: StepContext, training: bool) -> Loss:
        """Tell draws of the prior from codes of images."""
        label = self.condition(batch)
        score = self.game.score(self.discriminator, label, training)
        return self.game.discriminator_loss(score, self.draw(label, context.noise), code, context, training)

    def generator_loss(self, batch: Batch, code: tf.Tensor, context: StepContext) -> Loss:
        """Encode images so that the discriminator takes their codes for draws of the prior."""
        score = self.game.score(self.discriminator, self.condition(batch), training=True)
        return self.game.generator_loss(score, code, context)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return noise.normal("prior", (tf.shape(label)[0], self.code_dim))

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.autoencoder.encode(batch["image"], self.condition(batch))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.autoencoder.decode(code, label)
