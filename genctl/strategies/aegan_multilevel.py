"""An autoencoder with a GAN (see aegan.py) at several sizes of image, in the same three phases.

The autoencoder (multilevel_codec.py) and the generator give images of every size, each half of the next, and each has a
discriminator; losses are means over the sizes. With `level_steps`, the phases `autoencoder` and `adversarial`
begin with the coarsest size alone, which the others join one after another (Karras et al. 2018); otherwise all sizes
learn at once (Karnewar and Wang 2020).
"""

import functools

import keras
import tensorflow as tf
from pydantic import PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.player import Logs, Loss, Player
from genctl.ranges import Steps, Width
from genctl.schedules import NonNegativeScheduled
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.forge import Takes, mixed
from genctl.strategies.game import Game
from genctl.strategies.levels import MultilevelGame, numbered, smaller
from genctl.strategies.multilevel_codec import MultilevelCodec, shapes
from genctl.strategies.phases import Stages, grown, in_order, taking_part


class AEGANMultilevel(Strategy):
    """Who moves in which phase stands in `step`."""

    monitor = "loss"

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
        average_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.phases = grown(in_order(stages.phases, stages.autoencoder), levels, level_steps)
        self.pretrained, self.takes = stages.autoencoder, generator_input
        self.game, self.parts, self.code_dim = game, game.critic_turns, latent_dim
        self.levels, self.stages = levels, stages
        several = {"output_shape": spec.image_shape, "several_sizes": True}
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), **several)
        self.generator = generator(input_shape=self.widened((latent_dim,)), **several)
        sizes = [shapes(network, levels) for network in (self.decoder, self.generator)][0]
        self.encoders = [encoder(input_shape=self.widened(shape), output_shape=(latent_dim,)) for shape in sizes]
        self.judges = MultilevelGame(game, discriminator, sizes, self.label_dim)
        self.codec = MultilevelCodec(self.encoders, self.decoder, reconstruction_weight)
        self.autoencoder = Player("autoencoder", *self.encoders, self.decoder, optimizer=optimizer())
        self.critic = self.judges.critic(stages.both(optimizer, self.phase_ends()[-1]))
        self.forger = Player("forger", self.generator, optimizer=stages.adversarial(optimizer)())
        everyone, joint = (*self.encoders, self.decoder, self.generator), stages.joint(optimizer)()
        self.ensemble = Player("ensemble", *everyone, optimizer=joint, average_halflife=average_halflife)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks by role, those of each size numbered from the coarsest."""
        judges = numbered("discriminator", self.judges.discriminators)
        return super().networks | numbered("encoder", self.encoders) | judges

    def step(self, batch: Batch, context: StepContext) -> Logs:
        if context.phase.startswith("autoencoder"):
            return self.autoencoder.minimize(lambda: self.reconstruction_loss(batch, context), context)
        if context.phase.startswith("adversarial"):
            return self.game.play(self, self.forger, self.forger_loss, batch, context)
        return self.game.play(self, self.ensemble, functools.partial(self.joint_loss, batch), batch, context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        logs = self.reconstruction_loss(batch, context, training=False)[1]
        fakes = self.generate(batch, context, training=False)
        return logs | self.critic_loss(batch, fakes, context, training=False)[1]

    def reconstruction_loss(self, batch: Batch, context: StepContext, training: bool = True) -> Loss:
        """The autoencoder's, of the sizes that take part."""
        active = taking_part(context.phase, self.levels)
        return self.codec.loss(batch["image"], self.condition(batch), active, context, training)

    def critic_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext, training: bool) -> Loss:
        """Tell images of each size from generated ones."""
        return self.judges.critic_loss(batch["image"], fakes, self.condition(batch), context, training)

    def forger_loss(self, batch: Batch, fakes: list[tf.Tensor], context: StepContext) -> Loss:
        """Make images that the discriminator of each size calls real."""
        return self.judges.forger_loss(fakes, self.condition(batch), context)

    def joint_loss(self, batch: Batch, part: Batch, fakes: list[tf.Tensor], context: StepContext) -> Loss:
        """The first phase's and the weighted second one's; the latter for the part that the critic saw last."""
        return self.stages.joint_loss(
            self.reconstruction_loss(batch, context), self.forger_loss(part, fakes, context), context
        )

    def generate(self, batch: Batch, context: StepContext, training: bool) -> list[tf.Tensor]:
        """Images of every size that takes part, for the batch's labels; out of training from noise, as samples are."""
        label, joint = self.condition(batch), training and context.phase == "joint"
        inputs = self.noise(label, context.noise)
        if training:
            inputs = mixed(self.takes, inputs, lambda: self.encode(batch, joint))
        return self.codec.images(self.generator, inputs, label, taking_part(context.phase, self.levels), training)

    def noise(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        """z ~ N(0, I), one for each row of `label`."""
        return noise.normal("z", (keras.ops.shape(label)[0], self.code_dim))

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.codec.images(self.generator, self.noise(label, noise), label, self.levels)[-1]

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.codec.encode(smaller(self.sample(label, noise), self.levels), label)

    def encode(self, batch: Batch, training: bool = False) -> tf.Tensor:
        return self.codec.encode(smaller(batch["image"], self.levels), self.condition(batch), training)

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.codec.images(self.decoder, code, label, self.levels)[-1]
