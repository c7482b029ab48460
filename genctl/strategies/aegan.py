"""An autoencoder with a GAN, in three phases; the weights are lambda_1 (reconstruction) and lambda_2 (adversarial).

1. `autoencoder`: encoder E and decoder De minimise lambda_1 ||x - De(E(x))||^2, and with `contraction_weight` also
   ||dE(x)/dx||^2 (Rifai et al. 2011).
2. `adversarial`: E and De stand still; a generator G plays max_G min_D E[D(G(u))] - E[D(x)], or another game of
   objectives/adversarial.py; u is noise z, a code E(x), or either in turn. G makes images; or codes that De draws, and
   then De(E(x)) are the real images, so that G is asked for no detail that De cannot draw.
3. `joint`: all move; E, De and G minimise the loss of the first phase + lambda_2 times G's, and D sees the images x.
"""

import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.config.schedules import NonNegativeScheduled
from genctl.data.spec import Spec
from genctl.strategies.parts.autoencoder import Autoencoder
from genctl.strategies.parts.game import AUGMENTATION, Game
from genctl.strategies.parts.generator import Makes, PairedGenerator, Takes, mixed
from genctl.strategies.parts.phases import Stages, in_order, span_of
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.players.player import Logs, Loss, Player


class AEGAN(Strategy):
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
        generator_input: Takes,
        generator_output: Makes,
        reconstruction_weight: NonNegativeScheduled,
        contraction_weight: NonNegativeScheduled,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.phases, self.pretrained = in_order(stages.phases, stages.autoencoder), stages.autoencoder
        self.game, self.batches, self.code_dim = game, game.n_critic, latent_dim
        self.alternates = generator_input == "both"
        self.takes, self.stages = generator_input, stages
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        made = {"image": spec.image_shape, "code": (latent_dim,)}[generator_output]
        self.generator = generator(input_shape=self.widened((latent_dim,)), output_shape=made)
        self.discriminator = game.discriminator(discriminator, spec.image_shape, self.label_dim)
        self.autoencoder = Autoencoder(self.encoder, self.decoder, reconstruction_weight, contraction_weight)
        self.paired_generator = PairedGenerator(self.generator, self.autoencoder, generator_output)
        self.autoencoder_player = Player("autoencoder", self.encoder, self.decoder, optimizer=optimizer())
        self.discriminator_player = game.discriminator_player(self.discriminator, optimizer=stages.both(optimizer))
        self.generator_player = Player("generator", self.generator, optimizer=stages.adversarial(optimizer)())
        everyone, joint = (self.encoder, self.decoder, self.generator), stages.joint(optimizer)()
        self.ensemble = Player("ensemble", *everyone, optimizer=joint, ema_halflife=ema_halflife)
        self.declare(
            self.autoencoder_player,
            self.discriminator_player,
            self.generator_player,
            self.ensemble,
            encoder=self.encoder,
            decoder=self.decoder,
            generator=self.generator,
            discriminator=self.discriminator,
        )

    def span(self, phase: str, total: int) -> tuple[int, int]:
        return span_of(phase, self.phases, total)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        if context.phase == "autoencoder":
            return self.autoencoder_player.minimize(*self.reconstruction_loss(self.game.last(batch), context), context)
        for part, turn in self.game.turns(batch, context):
            fake = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, fake, turn, training=True), turn)
        if context.phase == "adversarial":
            return logs | self.generator_player.minimize(*self.generator_loss(part, fake, context), context)
        return logs | self.ensemble.minimize(*self.joint_loss(part, fake, context), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        error = self.autoencoder.error(batch["image"], self.condition(batch))
        fake = self.generate(batch, context, training=False)
        return {"loss": error, **self.discriminator_loss(batch, fake, context, training=False)[1]}

    def reconstruction_loss(self, batch: Batch, context: StepContext) -> Loss:
        """The autoencoder's, of images as they are augmented; the game's are of images as they are."""
        return self.autoencoder.loss(context.augmented(batch["image"]), self.condition(batch), context)

    def discriminator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext, training: bool) -> Loss:
        """Tell images (of the still decoder, where that draws the generated ones too) from generated ones."""
        still = self.paired_generator.makes == "code" and context.phase != "joint"
        real = self.reconstruct(batch) if still else batch["image"]
        score = self.game.score(self.discriminator, self.condition(batch), training)
        return self.game.discriminator_loss(score, real, fake, context, training)

    def generator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext) -> Loss:
        """Make images that the discriminator calls real."""
        score = self.game.score(self.discriminator, self.condition(batch), training=True)
        return self.game.generator_loss(score, fake, context)

    def joint_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext) -> Loss:
        """The first phase's and the weighted second one's, for the batch that the discriminator saw last."""
        return self.stages.joint_loss(
            self.reconstruction_loss(batch, context), self.generator_loss(batch, fake, context), context
        )

    def generate(self, batch: Batch, context: StepContext, training: bool) -> tf.Tensor:
        """Images for the batch's labels; out of training from noise alone, as samples are."""
        label, joint = self.condition(batch), training and context.phase == "joint"
        inputs = self.paired_generator.noise(label, context.noise)
        if training:
            inputs = mixed(self.takes, inputs, lambda: self.autoencoder.encode(batch["image"], label, joint))
        return self.paired_generator.image(inputs, label, training, joint)

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.paired_generator.image(self.paired_generator.noise(label, noise), label)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.paired_generator.code(self.paired_generator.noise(label, noise), label)

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.autoencoder.encode(batch["image"], self.condition(batch))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.autoencoder.decode(code, label)
