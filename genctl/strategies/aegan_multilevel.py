"""An autoencoder with a GAN (see aegan.py) at several sizes of image, in the same three phases.

The autoencoder (parts/multilevel_autoencoder.py) and the generator give images of every size, each half of the next,
and each has a discriminator; losses are means over the sizes. With `level_steps`, the phases `autoencoder` and
`adversarial` begin with the coarsest size alone, which the others join one after another (Karras et al. 2018);
otherwise all sizes learn at once (Zhang et al. 2019, section 4.1).
"""

import keras
import tensorflow as tf
from pydantic import PositiveInt

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.config.schedules import NonNegativeScheduled
from genctl.data.spec import Spec
from genctl.strategies.parts.game import AUGMENTATION, Game
from genctl.strategies.parts.generator import Takes, mixed
from genctl.strategies.parts.multilevel_autoencoder import MultilevelAutoencoder, shapes
from genctl.strategies.parts.multilevel_game import MultilevelGame, numbered, smaller
from genctl.strategies.parts.phases import Stages, in_order, phases_by_level, span_of, taking_part
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.players.player import Logs, Loss, Player


class AEGANMultilevel(Strategy):
    """Who moves in which phase stands in `step`."""

    monitor = "loss"
    augmentation = f"of the images that the autoencoder is to reconstruct; and {AUGMENTATION}"

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        generator: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        stages: Stages,
        latent_dim: Width,
        levels: PositiveInt,
        level_steps: Steps,
        generator_input: Takes,
        reconstruction_weight: NonNegativeScheduled,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.phases = phases_by_level(in_order(stages.phases, stages.autoencoder), levels, level_steps)
        self.pretrained, self.takes = stages.autoencoder, generator_input
        self.game, self.batches, self.code_dim = game, game.n_critic, latent_dim
        self.alternates = generator_input == "both"
        self.levels, self.stages = levels, stages
        several = {"output_shape": spec.image_shape, "several_sizes": True}
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), **several)
        self.generator = generator(input_shape=self.widened((latent_dim,)), **several)
        sizes = [shapes(network, levels) for network in (self.decoder, self.generator)][0]
        self.encoders = [encoder(input_shape=self.widened(shape), output_shape=(latent_dim,)) for shape in sizes]
        self.judges = MultilevelGame(game, discriminator, sizes, self.label_dim)
        self.autoencoder = MultilevelAutoencoder(self.encoders, self.decoder, reconstruction_weight)
        self.autoencoder_player = Player("autoencoder", *self.encoders, self.decoder, optimizer=optimizer())
        self.discriminator_player = self.judges.discriminator_player(stages.both(optimizer))
        self.generator_player = Player("generator", self.generator, optimizer=stages.adversarial(optimizer)())
        everyone, joint = (*self.encoders, self.decoder, self.generator), stages.joint(optimizer)()
        self.ensemble = Player("ensemble", *everyone, optimizer=joint, ema_halflife=ema_halflife)
        networks = numbered("encoder", self.encoders) | numbered("discriminator", self.judges.discriminators)
        players = (self.autoencoder_player, self.discriminator_player, self.generator_player, self.ensemble)
        self.declare(*players, decoder=self.decoder, generator=self.generator, **networks)

    def span(self, phase: str, total: int) -> tuple[int, int]:
        return span_of(phase, self.phases, total)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        if context.phase.startswith("autoencoder"):
            return self.autoencoder_player.minimize(*self.reconstruction_loss(self.game.last(batch), context), context)
        for part, turn in self.game.turns(batch, context):
            fakes = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, fakes, turn, training=True), turn)
        if context.phase.startswith("adversarial"):
            return logs | self.generator_player.minimize(*self.generator_loss(part, fakes, context), context)
        return logs | self.ensemble.minimize(*self.joint_loss(part, fakes, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        logs = self.reconstruction_loss(batch, context, training=False)[1]
        fakes = self.generate(batch, context, training=False)
        return logs | self.discriminator_loss(batch, fakes, context, training=False)[1]

    def reconstruction_loss(self, batch: Batch, context: StepContext, training: bool = True) -> Loss:
        """The autoencoder's, of the sizes that take part."""
        active = taking_part(context.phase, self.levels)
        return self.autoencoder.loss(
            context.augmented(batch["image"]), self.condition(batch), active, context, training
        )

    def discriminator_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext, training: bool) -> Loss:
        """Tell images of each size from generated ones."""
        return self.judges.discriminator_loss(batch["image"], fakes, self.condition(batch), context, training)

    def generator_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext) -> Loss:
        """Make images that the discriminator of each size calls real."""
        return self.judges.generator_loss(fakes, self.condition(batch), context)

    def joint_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext) -> Loss:
        """The first phase's and the weighted second one's, for the batch that the discriminator saw last."""
        return self.stages.joint_loss(
            self.reconstruction_loss(batch, context), self.generator_loss(batch, fakes, context), context
        )

    def generate(self, batch: Batch, context: StepContext, training: bool) -> list[tf.Tensor]:
        """Images of every size that takes part, for the batch's labels; out of training from noise, as samples are."""
        label, joint = self.condition(batch), training and context.phase == "joint"
        inputs = self.noise(label, context.noise)
        if training:
            inputs = mixed(self.takes, inputs, lambda: self.encode(batch, joint))
        return self.autoencoder.images(self.generator, inputs, label, taking_part(context.phase, self.levels), training)

    def noise(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        """z ~ N(0, I), one for each row of `label`."""
        return noise.normal("z", (keras.ops.shape(label)[0], self.code_dim))

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.autoencoder.images(self.generator, self.noise(label, noise), label, self.levels)[-1]

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.autoencoder.encode(smaller(self.sample(label, noise), self.levels), label)

    def encode(self, batch: Batch, training: bool = False) -> tf.Tensor:
        return self.autoencoder.encode(smaller(batch["image"], self.levels), self.condition(batch), training)

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.autoencoder.images(self.decoder, code, label, self.levels)[-1]
