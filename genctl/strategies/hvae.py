"""The ladder VAE (Sønderby et al. 2016): codes at several levels, drawn from the coarsest to the finest.

L = -E_q[log p(x | z)] + beta sum_l KL(q(z_l | x, coarser) || p(z_l | coarser)), where q(z_l | x, coarser) is the
product of what the image says of z_l on the way up and of the prior p(z_l | coarser) on the way down (equations 17 and
18).

Otherwise than in the paper, the prior of the coarsest level is learnt and is in the product too, as those of the others
(the paper has N(0, I), and what the image says alone); the decoder sees the codes of all levels, not the finest alone;
and the ways up and down add to what they had, as residual networks do.
"""

import itertools

import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Amount, Steps, Width
from genctl.config.schedules import constant
from genctl.data.spec import Spec
from genctl.networks.blocks import Widths
from genctl.objectives.binarization import BINARIZATIONS, BinarizationName, check_binarization
from genctl.objectives.bounds import active_units, bits_per_dim, floored_rate
from genctl.objectives.likelihoods import LikelihoodName, likelihood_for
from genctl.objectives.normal import Normal
from genctl.strategies.parts.ladder import Choose, Path, drawn, ladder
from genctl.strategies.parts.scale import decoded_loss, with_scale
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach, cut, repeated
from genctl.strategies.players.player import Logs, Loss, Player


class HVAE(Strategy):
    """Minimise distortion + beta * the rates of all levels, in nats an example.

    warmup_steps: steps in which the weight of the rates rises from 0 to beta; without it, levels are given up early on.
    """

    monitor = "negative_elbo"  # losses of two weights cannot be compared

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        levels: Widths,
        width: Width,
        beta: Amount,
        warmup_steps: Steps,
        free_bits: Amount,
        likelihood: LikelihoodName,
        binarization: BinarizationName,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        check_binarization(binarization, likelihood)
        self.levels, self.code_dim = levels, sum(levels)
        self.beta, self.free_bits = constant(beta, warmup_steps), free_bits
        self.likelihood = likelihood_for(spec, likelihood)
        self.binarization, self.binarize = binarization, BINARIZATIONS[binarization]
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(width,))
        self.ladder = ladder(levels, width, self.label_dim)
        self.decoder = with_scale(
            decoder(input_shape=self.widened((width + self.code_dim,)), output_shape=spec.image_shape), self.likelihood
        )
        networks = {"encoder": self.encoder, "decoder": self.decoder, **self.ladder._asdict()}
        everything = [self.encoder, *itertools.chain(*self.ladder), self.decoder]
        self.autoencoder_player = Player("autoencoder", *everything, optimizer=optimizer(), ema_halflife=ema_halflife)
        self.declare(self.autoencoder_player, **networks)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        logs = self.autoencoder_player.minimize(*self.loss(batch, context, training=True), context)
        return {**logs, "beta": self.beta(context)}

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        batch = {**batch, "image": self.binarize(batch["image"], context.noise)}
        logs = self.loss(batch, context, training=False)[1]
        return {**logs, "negative_elbo": -logs["elbo"], "active_units": active_units(self.encode(batch))}

    def loss(self, batch: Batch, context: StepContext, training: bool) -> Loss:
        """Distortion with one sample of every code, and the rate of each level, `free_bits` of which are free."""
        batch = {**batch, "image": self.binarize(context.augmented(batch["image"]), context.noise)}
        path = self.infer(batch, drawn(context.noise), training)
        distortion, kl = tf.reduce_mean(self.distortion(batch, path, training)), path.kl()
        rate = tf.reduce_mean(tf.reduce_sum(kl, axis=1))
        loss = distortion + self.beta(context) * floored_rate(kl, self.free_bits)
        logs = {"loss": loss, "distortion": distortion, "rate": rate, "elbo": -distortion - rate}
        logs |= {f"rate/level_{level}": tf.reduce_mean(kl[:, level]) for level in range(len(self.levels))}
        return loss, logs | bits_per_dim(distortion + rate, self.likelihood, self.spec)

    def rise(self, batch: Batch, training: bool = False) -> list[Normal]:
        """What the images alone say of each level's code."""
        features = self.encoder(attach(batch["image"], self.condition(batch)), training=training)
        return self.ladder.rise(features, training)

    def infer(self, batch: Batch, choose: Choose, training: bool = False) -> Path:
        """Choose codes by q(z | x)."""
        return self.ladder.descend(self.condition(batch), choose, self.rise(batch, training), training)

    def distortion(self, batch: Batch, path: Path, training: bool = False) -> tf.Tensor:
        """-log p(x | z) of each example and its codes, (n,)."""
        inputs = attach(path.outcome, self.condition(batch))
        return decoded_loss(self.decoder, self.likelihood, inputs, batch["image"], training)

    def log_terms(self, batch: Batch, noise: Noise, samples: int) -> tuple[tf.Tensor, tf.Tensor]:
        evidence, rows = [one.repeated(samples) for one in self.rise(batch)], repeated(batch, samples)
        path = self.ladder.descend(self.condition(rows), drawn(noise), evidence)
        return tf.reshape(-self.distortion(rows, path), (-1, samples)), tf.reshape(path.log_ratio(), (-1, samples))

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return self.ladder.descend(label, drawn(noise)).code

    def draw_posterior(self, batch: Batch, noise: Noise) -> tf.Tensor:
        return self.infer(batch, drawn(noise)).code

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.infer(batch, lambda level, q: q.mean).code

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        codes = cut(code, self.levels)
        path = self.ladder.descend(label, lambda level, prior: codes[level])
        return self.likelihood.image(self.decoder(attach(path.outcome, label), training=False))
