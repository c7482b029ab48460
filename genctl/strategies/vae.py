"""The variational autoencoder (Kingma and Welling 2014, equation 10; beta: Higgins et al. 2017, equation 4).

L = -E_q[log p(x | z)] + beta KL(q(z | x) || p(z))
"""

import keras
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Amount, Steps, Width
from genctl.config.schedules import NonNegativeScheduled, at
from genctl.data.spec import Spec
from genctl.objectives.binarization import BINARIZATIONS, BinarizationName, check_binarization
from genctl.objectives.bounds import active_units, bits_per_dim, floored_rate
from genctl.objectives.likelihoods import LikelihoodName, likelihood_for
from genctl.objectives.normal import Normal, standard
from genctl.strategies.parts.gaussian_autoencoder import GaussianAutoencoder
from genctl.strategies.parts.scale import with_scale
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy
from genctl.strategies.players.player import Logs, Player


class VAE(Strategy):
    """Minimise distortion + beta * rate, in nats an example where the likelihood is a density."""

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        latent_dim: Width,
        beta: NonNegativeScheduled,
        likelihood: LikelihoodName,
        ema_halflife: Steps,
        conditional: bool,
        free_bits: Amount = 0.0,
        binarization: BinarizationName = "none",
    ) -> None:
        super().__init__(spec, conditional)
        check_binarization(binarization, likelihood)
        self.code_dim = latent_dim
        self.beta, self.free_bits = beta, free_bits
        self.monitor = "negative_elbo" if callable(beta) else "loss"  # losses of two betas cannot be compared
        self.likelihood = likelihood_for(spec, likelihood)
        self.binarization, self.binarize = binarization, BINARIZATIONS[binarization]
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(2 * latent_dim,))
        self.decoder = with_scale(
            decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape), self.likelihood
        )
        self.autoencoder = GaussianAutoencoder(self.encoder, self.decoder, self.likelihood, self.condition)
        self.autoencoder_player = Player(
            "autoencoder", self.encoder, self.decoder, optimizer=optimizer(), ema_halflife=ema_halflife
        )
        self.declare(self.autoencoder_player, encoder=self.encoder, decoder=self.decoder)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        loss, logs, _ = self.loss(batch, context, training=True)
        logs = self.autoencoder_player.minimize(loss, logs, context)
        return {**logs, "beta": self.beta(context)} if callable(self.beta) else logs

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        _, logs, posterior = self.loss(batch, context, training=False)
        logs = {**logs, "active_units": active_units(posterior.mean)}
        return {**logs, "negative_elbo": -logs["elbo"]} if callable(self.beta) else logs

    def loss(self, batch: Batch, context: StepContext, training: bool) -> tuple[tf.Tensor, Logs, Normal]:
        """Distortion E_q[-log p(x | z)] with one sample of z, and rate KL(q(z | x) || p(z)); means over examples.

        Numbers of a code whose rate is below `free_bits` nats count as if they had that (Kingma et al. 2016).
        """
        batch = {**batch, "image": self.binarize(context.augmented(batch["image"]), context.noise)}
        posterior = self.autoencoder.infer(batch, training)
        code = posterior.at(context.noise.normal("code", tf.shape(posterior.mean)))
        distortion = tf.reduce_mean(self.autoencoder.distortion(batch, code, training))
        kl = posterior.kl(standard(code))
        rate = tf.reduce_mean(tf.reduce_sum(kl, axis=1))
        loss = distortion + at(self.beta, context) * floored_rate(kl, self.free_bits)
        logs = {"loss": loss, "distortion": distortion, "rate": rate, "elbo": -distortion - rate}
        return loss, logs | bits_per_dim(distortion + rate, self.likelihood, self.spec), posterior

    def log_terms(self, batch: Batch, noise: Noise, samples: int) -> tuple[tf.Tensor, tf.Tensor]:
        return self.autoencoder.log_terms(batch, noise, samples)

    def rates(self, batch: Batch) -> tf.Tensor:
        return self.autoencoder.rates(batch)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return noise.normal("code", (keras.ops.shape(label)[0], self.code_dim))

    def draw_posterior(self, batch: Batch, noise: Noise) -> tf.Tensor:
        return self.autoencoder.draw_posterior(batch, noise)

    def posterior(self, batch: Batch) -> Normal:
        return self.autoencoder.infer(batch)

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.posterior(batch).mean

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.autoencoder.decode(code, label)
