"""The autoencoder (Hinton and Salakhutdinov 2006): minimise (1/N) sum ||x - De(E(x))||^2."""

import tensorflow as tf
from pydantic import NonNegativeInt, PositiveInt

from genctl.context import StepContext
from genctl.data.spec import Spec
from genctl.objectives.likelihoods import LIKELIHOODS, LikelihoodName
from genctl.player import Logs, Player
from genctl.strategies.base import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach


class AE(Strategy):
    """Minimise the mean over examples of the reconstruction loss of De(E(x))."""

    monitor = "loss"

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        latent_dim: PositiveInt,
        likelihood: LikelihoodName,
        average_halflife: NonNegativeInt,
        conditional: bool,
    ) -> None:
        super().__init__(spec, conditional)
        self.code_dim = latent_dim
        self.likelihood = LIKELIHOODS[likelihood]
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        self.decoder = decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape)
        self.autoencoder = Player(
            "autoencoder", self.encoder, self.decoder, optimizer=optimizer(), average_halflife=average_halflife
        )

    def step(self, batch: Batch, context: StepContext) -> Logs:
        return self.autoencoder.minimize(lambda: self.loss(batch, training=True), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        return self.loss(batch, training=False)[1]

    def loss(self, batch: Batch, training: bool) -> tuple[tf.Tensor, Logs]:
        """The reconstruction loss: summed over an example's numbers, mean over examples."""
        code = self.encode(batch, training)
        parameters = self.decoder(attach(code, self.condition(batch)), training=training)
        loss = tf.reduce_mean(self.likelihood.loss(batch["image"], parameters))
        return loss, {"loss": loss}

    def encode(self, batch: Batch, training: bool = False) -> tf.Tensor:
        return self.encoder(attach(batch["image"], self.condition(batch)), training=training)

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.likelihood.image(self.decoder(attach(code, label), training=False))
