"""The importance weighted autoencoder (Burda et al. 2016, equation 8).

L = -E[log (1/k) sum_i p(x, z_i) / q(z_i | x)], with z_1 ... z_k drawn from q(z | x).
"""

from typing import Annotated, Literal

import keras
import tensorflow as tf
from pydantic import Field

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps, Width
from genctl.data.spec import Spec
from genctl.objectives.binarization import BINARIZATIONS, BinarizationName, check_binarization
from genctl.objectives.bounds import active_units, bits_per_dim, doubly_reparameterized, importance_bound, log_ratio
from genctl.objectives.likelihoods import LikelihoodName, likelihood_for
from genctl.objectives.normal import Normal, standard
from genctl.strategies.parts.gaussian_autoencoder import GaussianAutoencoder
from genctl.strategies.parts.scale import with_scale
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, repeated
from genctl.strategies.players.player import Logs, Loss, Player


class IWAE(Strategy):
    """Maximise the bound of `samples` codes an example, in nats.

    gradient: of the bound as it stands (plain), or the one of Tucker et al. 2019, whose signal for the encoder does not
    fade as samples grow, at the price of one more way back through the decoder.
    """

    monitor = "loss"

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        latent_dim: Width,
        samples: Annotated[int, Field(gt=0, le=10_000)],
        gradient: Literal["plain", "doubly_reparameterized"],
        likelihood: LikelihoodName,
        binarization: BinarizationName,
        ema_halflife: Steps,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        check_binarization(binarization, likelihood)
        self.code_dim, self.samples, self.doubly = latent_dim, samples, gradient == "doubly_reparameterized"
        self.likelihood = likelihood_for(spec, likelihood, bound=True)
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
        return self.autoencoder_player.minimize(*self.loss(batch, context), context)

    def loss(self, batch: Batch, context: StepContext) -> Loss:
        """A number with the gradient that was chosen, and the bound's logs; means over examples."""
        batch = {**batch, "image": self.binarize(context.augmented(batch["image"]), context.noise)}
        posterior = self.autoencoder.infer(batch, training=True).repeated(self.samples)
        code = posterior.at(context.noise.normal("code", tf.shape(posterior.mean)))
        still, density = (tf.stop_gradient(code), posterior.fixed()) if self.doubly else (code, posterior)
        likelihood = -self.autoencoder.distortion(repeated(batch, self.samples), still, training=True)
        ratio = log_ratio(still, standard(still), density)
        log_weights = tf.reshape(likelihood + ratio, (-1, self.samples))
        bound = tf.reduce_mean(importance_bound(log_weights))
        objective = doubly_reparameterized(log_weights, code, still) if self.doubly else bound
        return -objective, self.logs(bound, likelihood, ratio)

    def logs(self, bound: tf.Tensor, likelihood: tf.Tensor, ratio: tf.Tensor) -> Logs:
        """The bound beside that of one sample, of which distortion and rate are the parts."""
        distortion, rate = -tf.reduce_mean(likelihood), -tf.reduce_mean(ratio)
        logs = {"loss": -bound, "distortion": distortion, "rate": rate, "elbo": -distortion - rate}
        return logs | bits_per_dim(-bound, self.likelihood, self.spec)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        batch = {**batch, "image": self.binarize(batch["image"], context.noise)}
        likelihood, ratio = self.log_terms(batch, context.noise, self.samples)
        logs = self.logs(tf.reduce_mean(importance_bound(likelihood + ratio)), likelihood, ratio)
        return {**logs, "active_units": active_units(self.encode(batch))}

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
