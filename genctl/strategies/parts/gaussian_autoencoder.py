"""What VAEs with one normal code share: its posterior q(z | x), its decoder, and samples of both."""

from collections.abc import Callable

import keras
import tensorflow as tf

from genctl.compute.context import Noise
from genctl.objectives.bounds import log_terms
from genctl.objectives.likelihoods import Likelihood
from genctl.objectives.normal import Normal, standard
from genctl.strategies.parts.scale import decoded_loss
from genctl.strategies.parts.strategy import Batch, attach, repeated


class GaussianAutoencoder:
    """An encoder of means and log variances, and a decoder. condition: a batch to its labels (n, label_dim)."""

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: Likelihood,
        condition: Callable[[Batch], tf.Tensor],
    ) -> None:
        self.encoder, self.decoder, self.likelihood, self.condition = encoder, decoder, likelihood, condition

    def infer(self, batch: Batch, training: bool = False) -> Normal:
        """q(z | x): mean and log variance, each (n, latent_dim)."""
        return Normal.of(self.encoder(attach(batch["image"], self.condition(batch)), training=training))

    def distortion(self, batch: Batch, code: tf.Tensor, training: bool = False) -> tf.Tensor:
        """-log p(x | z) of each example and code, (n,)."""
        inputs = attach(code, self.condition(batch))
        return decoded_loss(self.decoder, self.likelihood, inputs, batch["image"], training)

    def log_terms(self, batch: Batch, noise: Noise, samples: int) -> tuple[tf.Tensor, tf.Tensor]:
        """log p(x | z) and log p(z) - log q(z | x), each (n, samples); see objectives/bounds.py."""
        rows = repeated(batch, samples)
        return log_terms(self.infer(batch), noise, samples, lambda code: self.distortion(rows, code))

    def rates(self, batch: Batch) -> tf.Tensor:
        """KL(q(z | x) || p(z)) of each number of the codes, (n, latent_dim), in nats."""
        posterior = self.infer(batch)
        return posterior.kl(standard(posterior.mean))

    def draw_posterior(self, batch: Batch, noise: Noise) -> tf.Tensor:
        """One code of each example from q(z | x)."""
        posterior = self.infer(batch)
        return posterior.at(noise.normal("code", tf.shape(posterior.mean)))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """Images in [-1, 1] of codes with labels."""
        return self.likelihood.image(self.decoder(attach(code, label), training=False))
