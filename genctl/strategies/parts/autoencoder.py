"""What strategies with an autoencoder share: codes, reconstructions, and the loss of both networks."""

import keras
import tensorflow as tf

from genctl.compute.context import StepContext
from genctl.config.schedules import NonNegativeScheduled, at, scheduled
from genctl.errors import UserError
from genctl.networks.layers.fused import batch_norms
from genctl.objectives.likelihoods import LIKELIHOODS
from genctl.objectives.regularizers import contractive
from genctl.strategies.parts.strategy import attach
from genctl.strategies.players.player import Loss

PROJECTIONS = 1  # random directions a step, in which the contraction is measured


class Autoencoder:
    """An encoder E and a decoder De that are given labels.

    weight: of the squared error in `loss`. contraction_weight: of ||dE(x)/dx||^2 there.
    """

    likelihood = LIKELIHOODS["squared_error"]

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        weight: NonNegativeScheduled = 1.0,
        contraction_weight: NonNegativeScheduled = 0.0,
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        self.weight, self.contraction_weight = weight, contraction_weight
        if contraction_weight != 0 and batch_norms(encoder):
            raise UserError(
                "model.contraction_weight looks at the code of each image alone, and batch normalization mixes them in "
                "the encoder: use encoder.normalization=group, or model.contraction_weight=0."
            )

    def encode(self, image: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Codes (n, d) of images in [-1, 1] with labels (n, label_dim)."""
        return self.encoder(attach(image, label), training=training)

    def decode(self, code: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Images in [-1, 1] of codes."""
        return self.likelihood.image(self.decoder(attach(code, label), training=training))

    def error(self, image: tf.Tensor, label: tf.Tensor, training: bool = False) -> tf.Tensor:
        """||x - De(E(x))||^2 in intensities: summed over an example's numbers, mean over examples."""
        code = self.encode(image, label, training)
        return tf.reduce_mean(self.likelihood.loss(image, self.decoder(attach(code, label), training=training)))

    def loss(self, image: tf.Tensor, label: tf.Tensor, context: StepContext) -> Loss:
        """weight ||x - De(E(x))||^2 + contraction_weight ||dE(x)/dx||^2; the log `loss` is the squared error alone."""
        error = self.error(image, label, training=True)
        loss = at(self.weight, context) * error
        logs = {"loss": error, **scheduled(context, reconstruction_weight=self.weight)}
        if self.contraction_weight == 0:
            return loss, logs
        slope = contractive(lambda x: self.encode(x, label, training=True), image, context.noise, PROJECTIONS)
        logs |= {"contraction": slope, **scheduled(context, contraction_weight=self.contraction_weight)}
        return loss + at(self.contraction_weight, context) * slope, logs
