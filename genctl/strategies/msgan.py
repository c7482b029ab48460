"""A GAN of images at several sizes, each with a discriminator of its own (Zhang et al. 2019, "StackGAN++", section 4.1,
without its conditions and its colour consistency).

All sizes learn together, so that every level of the generator is given a gradient directly, or they join in one after
another from the smallest, as the resolutions of Karras et al. 2018. A level that joins in starts as the enlarged image
of the one before (networks/multiscale.py): Karras et al. fade it in for that. The loss is the mean over levels. One
discriminator that takes all sizes at once (Karnewar and Wang 2020, "MSG-GAN") is another model.
"""

import keras
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.data.spec import Spec
from genctl.strategies.parts.game import AUGMENTATION, Game
from genctl.strategies.parts.multilevel_game import MultilevelGame, numbered
from genctl.strategies.parts.phases import taking_part
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.players.player import Logs, Loss, Player


class MSGAN(Strategy):
    """The discriminator, who has a discriminator for each size, takes its turns; then the generator takes one."""

    augmentation = AUGMENTATION

    def __init__(
        self,
        spec: Spec,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        latent_dim: Width,
        level_steps: Steps,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.batches = game, game.n_critic
        self.code_dim = latent_dim
        self.generator = generator(
            input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape, several_sizes=True
        )
        shapes = [tuple(output.shape[1:]) for output in self.generator.outputs]
        self.judges = MultilevelGame(game, discriminator, shapes, self.label_dim)
        if level_steps:
            self.phases = {f"level_{level}": level_steps for level in range(1, len(shapes) + 1)}
        self.generator_player = Player("generator", self.generator, optimizer=optimizer(), ema_halflife=ema_halflife)
        self.discriminator_player = self.judges.discriminator_player(optimizer)
        judges = numbered("discriminator", self.judges.discriminators)
        self.declare(self.generator_player, self.discriminator_player, generator=self.generator, **judges)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        for part, turn in self.game.turns(batch, context):
            fakes = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, fakes, turn, training=True), turn)
        return logs | self.generator_player.minimize(*self.generator_loss(part, fakes, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        fakes = self.generate(batch, context, training=False)
        return self.discriminator_loss(batch, fakes, context, training=False)[1]

    def generate(self, batch: Batch, context: StepContext, training: bool) -> list[tf.Tensor]:
        """Images in [-1, 1] of each size that takes part, one for each row of the batch."""
        label = self.condition(batch)
        levels = taking_part(context.phase, len(self.generator.outputs))
        return self.images(self.draw(label, context.noise), label, levels, training)

    def discriminator_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext, training: bool) -> Loss:
        """Tell images of each size from generated ones."""
        return self.judges.discriminator_loss(batch["image"], fakes, self.condition(batch), context, training)

    def generator_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext) -> Loss:
        """Make images that the discriminator of each size calls real."""
        return self.judges.generator_loss(fakes, self.condition(batch), context)

    def images(self, code: tf.Tensor, label: tf.Tensor, levels: int, training: bool) -> list[tf.Tensor]:
        """Images in [-1, 1] of the first so many sizes; what only larger ones need is not computed."""
        generator = keras.Model(self.generator.inputs, self.generator.outputs[:levels])
        outputs = keras.tree.flatten(generator(attach(code, label), training=training))
        return [keras.ops.tanh(output) for output in outputs]

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return noise.normal("z", (keras.ops.shape(label)[0], self.code_dim))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.images(code, label, len(self.generator.outputs), training=False)[-1]
