"""The VAE whose distance between images is learned by a discriminator (Larsen et al. 2016, algorithm 1).

With z ~ q(z | x), x' = De(z), x'' = De(z'') for z'' ~ N(0, I), and f the discriminator's features of an image:

    distance = 1/2 E[||f(x) - f(x')||^2]  (the negative of equation 7, but for a constant)
    encoder minimises beta KL(q(z | x) || p(z)) + distance
    decoder minimises gamma distance + the game's loss of a generator, for x' and x''
    discriminator minimises the game's loss of a discriminator, with x as real images, x' and x'' as generated ones

The paper has beta = 1 and the game of objectives/adversarial.py called minimax. Here every other image of a batch is
encoded, and x'' stand in the places of the others: the discriminator sees as many generated images as real ones.
"""

import keras
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.config.schedules import NonNegativeScheduled, at, scheduled
from genctl.data.spec import Spec
from genctl.networks.features import features
from genctl.objectives.likelihoods import total
from genctl.objectives.normal import Normal, standard_normal_kl
from genctl.strategies.parts.game import AUGMENTATION, Game
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.players.player import Logs, Loss, Player

# Images (n, h, w, c) in [-1, 1], even rows of the batch's codes and odd ones of the prior's; mean KL of the former.
Made = tuple[tf.Tensor, tf.Tensor]
Losses = tuple[tf.Tensor, tf.Tensor, Logs]  # the encoder's and the decoder's, and the logs of both


class VAEGAN(Strategy):
    """Three players with one network each."""

    alternates = True
    augmentation = f"{AUGMENTATION}; the encoder sees images as they are"
    monitor = "squared_error"  # of pixels: distances of two moments, which have other features, cannot be compared

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        discriminator: NetworkBuilder,
        optimizer: OptimizerBuilder,
        game: Game,
        latent_dim: Width,
        beta: NonNegativeScheduled,
        gamma: NonNegativeScheduled,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.game, self.batches, self.code_dim = game, game.n_critic, latent_dim
        self.beta, self.gamma = beta, gamma
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(2 * latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.discriminator = game.discriminator(discriminator, spec.image_shape, self.label_dim)
        self.features = features(self.discriminator)
        average = {"ema_halflife": ema_halflife}
        self.inferrer = Player("inferrer", self.encoder, optimizer=optimizer(), **average)
        self.generator_player = Player("generator", self.decoder, optimizer=optimizer(), **average)
        self.discriminator_player = game.discriminator_player(self.discriminator, optimizer=optimizer)
        self.declare(
            self.inferrer,
            self.generator_player,
            self.discriminator_player,
            encoder=self.encoder,
            decoder=self.decoder,
            discriminator=self.discriminator,
        )

    def step(self, batch: Batch, context: StepContext) -> Logs:
        for part, turn in self.game.turns(batch, context):
            made = self.generate(part, turn, training=True)
            logs = self.discriminator_player.minimize(*self.discriminator_loss(part, made, turn, training=True), turn)
        inferrer, generator, more = self.losses(part, made, context, training=True)
        logs |= more | self.inferrer.minimize(inferrer, {}, context)
        logs |= self.generator_player.minimize(generator, {}, context)
        return logs | scheduled(context, beta=self.beta, gamma=self.gamma)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        error = total(tf.square(batch["image"] - self.reconstruct(batch))) / 4  # in intensities
        made = self.generate(batch, context, training=False)
        logs = {"squared_error": tf.reduce_mean(error), **self.losses(batch, made, context, training=False)[2]}
        return logs | self.discriminator_loss(batch, made, context, training=False)[1]

    def generate(self, batch: Batch, context: StepContext, training: bool) -> Made:
        """What all players learn from, in one pass."""
        even, label, noise = {name: value[::2] for name, value in batch.items()}, self.condition(batch), context.noise
        posterior = self.posterior(even, training)
        code, prior = posterior.at(noise.normal("code", tf.shape(posterior.mean))), self.draw(label[1::2], noise)
        images = self.decode(in_turn(code, prior), label, training)
        return images, tf.reduce_mean(standard_normal_kl(*posterior))

    def discriminator_loss(self, batch: Batch, made: Made, context: StepContext, training: bool) -> Loss:
        """Tell images from reconstructions and samples."""
        score = self.game.score(self.discriminator, self.condition(batch), training)
        return self.game.discriminator_loss(score, batch["image"], made[0], context, training)

    def losses(self, batch: Batch, made: Made, context: StepContext, training: bool) -> Losses:
        """Means over examples."""
        (fakes, rate), label = made, self.condition(batch)
        distance = self.distance(batch["image"][::2], fakes[::2], label[::2], training)
        score = self.game.score(self.discriminator, label, training)
        adversarial, logs = self.game.generator_loss(score, fakes, context)
        inferrer = at(self.beta, context) * rate + distance
        generator = at(self.gamma, context) * distance + adversarial
        return inferrer, generator, {"rate": rate, "distance": distance, **logs}

    def distance(self, first: tf.Tensor, second: tf.Tensor, label: tf.Tensor, training: bool) -> tf.Tensor:
        """1/2 ||f(x) - f(x')||^2 of images with the same labels: summed over features, mean over examples."""
        beside = label if self.game.condition_by == "concat" else label[:, :0]
        seen = [self.features(attach(images, beside), training) for images in (first, second)]
        return 0.5 * tf.reduce_mean(total(tf.square(seen[0] - seen[1])))

    def posterior(self, batch: Batch, training: bool = False) -> Normal:
        """q(z | x): mean and log variance, each (n, latent_dim)."""
        return Normal.of(self.encoder(attach(batch["image"], self.condition(batch)), training=training))

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return noise.normal("prior", (keras.ops.shape(label)[0], self.code_dim))

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.posterior(batch).mean

    def decode(self, code: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        return keras.ops.tanh(self.decoder(attach(code, label), training=training))


def in_turn(evens: tf.Tensor, odds: tf.Tensor) -> tf.Tensor:
    """Rows (n, d) of both in turn, of the even ones as many or one more."""
    count = tf.shape(evens)[0]
    rows = tf.range(count + tf.shape(odds)[0])
    return tf.gather(tf.concat([evens, odds], axis=0), rows // 2 + rows % 2 * count)
