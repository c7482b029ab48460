"""The generative adversarial network (Goodfellow et al. 2014); parts/game.py says how its discriminator is taught."""

import keras
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.data.spec import Spec
from genctl.strategies.parts.game import AUGMENTATION, Game
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.players.player import Logs, Loss, Player


class GAN(Strategy):
    """The discriminator takes its turns, each on a part of the batch; then the generator takes one."""

    augmentation = AUGMENTATION

    def __init__(
        self,
        spec: Spec,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        latent_dim: Width,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.batches = game, game.n_critic
        self.code_dim = latent_dim
        self.generator = generator(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.discriminator = game.discriminator(discriminator, spec.image_shape, self.label_dim)
        self.generator_player = Player("generator", self.generator, optimizer=optimizer(), ema_halflife=ema_halflife)
        self.discriminator_player = game.discriminator_player(self.discriminator, optimizer=optimizer)
        self.declare(
            self.generator_player, self.discriminator_player, generator=self.generator, discriminator=self.discriminator
        )

    def step(self, batch: Batch, context: StepContext) -> Logs:
        for part, turn in self.game.turns(batch, context):
            fake = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, fake, turn, training=True), turn)
        return logs | self.generator_player.minimize(*self.generator_loss(part, fake, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        fake = self.generate(batch, context, training=False)
        return self.discriminator_loss(batch, fake, context, training=False)[1]

    def generate(self, batch: Batch, context: StepContext, training: bool) -> tf.Tensor:
        """Images in [-1, 1], one for each row of the batch."""
        label = self.condition(batch)
        return self.decode(self.draw(label, context.noise), label, training)

    def discriminator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext, training: bool) -> Loss:
        """Tell images from generated ones."""
        score = self.game.score(self.discriminator, self.condition(batch), training)
        return self.game.discriminator_loss(score, batch["image"], fake, context, training)

    def generator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext) -> Loss:
        """Make images that the discriminator calls real."""
        score = self.game.score(self.discriminator, self.condition(batch), training=True)
        return self.game.generator_loss(score, fake, context)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return noise.normal("z", (keras.ops.shape(label)[0], self.code_dim))

    def decode(self, code: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        return keras.ops.tanh(self.generator(attach(code, label), training=training))
