"""The variational autoencoder (Kingma and Welling 2014, equation 10; beta: Higgins et al. 2017, equation 4).

L = -E_q[log p(x | z)] + beta KL(q(z | x) || p(z))
"""

import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.objectives.divergences import standard_normal_kl
from genctl.objectives.likelihoods import LIKELIHOODS, LikelihoodName
from genctl.player import Logs, Player
from genctl.schedules import NonNegativeScheduled, at
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach


class VAE(Strategy):
    """Minimise distortion + beta * rate, in nats an example where the likelihood is a density."""

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        latent_dim: PositiveInt,
        beta: NonNegativeScheduled,
        likelihood: LikelihoodName,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.code_dim = latent_dim
        self.beta = beta
        self.monitor = "negative_elbo" if callable(beta) else "loss"  # losses of two betas cannot be compared
        self.likelihood = LIKELIHOODS[likelihood]
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(2 * latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.autoencoder = Player(
            "autoencoder", self.encoder, self.decoder, optimizer=optimizer(), average_halflife=average_halflife
        )

    def step(self, batch: Batch, context: StepContext) -> Logs:
        logs = self.autoencoder.minimize(lambda: self.loss(batch, context, training=True), context)
        return {**logs, "beta": self.beta(context.step)} if callable(self.beta) else logs

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        logs = self.loss(batch, context, training=False)[1]
        return {**logs, "negative_elbo": -logs["elbo"]} if callable(self.beta) else logs

    def loss(self, batch: Batch, context: StepContext, training: bool) -> tuple[tf.Tensor, Logs]:
        """Distortion E_q[-log p(x | z)] with one sample of z, and rate KL(q(z | x) || p(z)); means over examples."""
        mean, log_variance = self.infer(batch, training)
        code = mean + tf.exp(log_variance / 2) * context.noise.normal("code", tf.shape(mean))
        parameters = self.decoder(attach(code, self.condition(batch)), training=training)
        distortion = tf.reduce_mean(self.likelihood.loss(batch["image"], parameters))
        rate = tf.reduce_mean(standard_normal_kl(mean, log_variance))
        loss = distortion + at(self.beta, context.step) * rate
        return loss, {"loss": loss, "distortion": distortion, "rate": rate, "elbo": -distortion - rate}

    def infer(self, batch: Batch, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and log variance of q(z | x), each (n, latent_dim)."""
        outputs = self.encoder(attach(batch["image"], self.condition(batch)), training=training)
        mean, log_variance = tf.split(outputs, 2, axis=1)
        return mean, log_variance

    def log_terms(self, batch: Batch, noise: Noise, samples: int) -> tuple[tf.Tensor, tf.Tensor]:
        mean, log_variance = self.infer(batch, training=False)
        normal = noise.normal("code", (tf.shape(mean)[0], samples, self.code_dim))
        code = mean[:, None] + tf.exp(log_variance / 2)[:, None] * normal
        label = tf.repeat(self.condition(batch), samples, axis=0)
        parameters = self.decoder(attach(tf.reshape(code, (-1, self.code_dim)), label), training=False)
        loss = self.likelihood.loss(tf.repeat(batch["image"], samples, axis=0), parameters)
        ratio = 0.5 * tf.reduce_sum(tf.square(normal) - tf.square(code) + log_variance[:, None], axis=2)
        return -tf.reshape(loss, (-1, samples)), ratio

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        return noise.normal("code", (tf.shape(label)[0], self.code_dim))

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.infer(batch, training=False)[0]

    def draw_posterior(self, batch: Batch, noise: Noise) -> tf.Tensor:
        mean, log_variance = self.infer(batch, training=False)
        return mean + tf.exp(log_variance / 2) * noise.normal("code", tf.shape(mean))

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.likelihood.image(self.decoder(attach(code, label), training=False))
