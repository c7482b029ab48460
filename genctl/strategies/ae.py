"""The autoencoder (Hinton and Salakhutdinov 2006): minimise (1/N) sum ||x - De(E(x))||^2.

With a corruption C it is the denoising one, ||x - De(E(C(x)))||^2 (Vincent et al. 2008); with a regularizer, the sparse
or the contractive one (objectives/regularizers.py).
"""

from typing import Annotated, Literal

import keras
import tensorflow as tf
from pydantic import Field, PositiveInt

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Amount, Steps, Width
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.networks.layers.fused import batch_norms
from genctl.objectives.bounds import active_units
from genctl.objectives.corruptions import CORRUPTIONS, CorruptionName, check_corruption
from genctl.objectives.likelihoods import LikelihoodName, likelihood_for
from genctl.objectives.regularizers import REGULARIZERS, RegularizerName
from genctl.strategies.parts import priors
from genctl.strategies.parts.scale import decoded_loss, with_scale
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach
from genctl.strategies.players.player import Logs, Player

ACTIVATIONS = {name: keras.activations.get(name) for name in ("linear", "relu", "sigmoid")}


class AE(Strategy):
    """Minimise the mean over examples of the reconstruction loss, and a penalty on the codes."""

    monitor = "loss"
    needs_prior = True
    augmentation = "of the images to be reconstructed; a prior is fitted to the codes of images as they are"

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        latent_dim: Width,
        reconstruction: LikelihoodName,
        ema_halflife: Steps,
        conditional: bool,
        code_activation: Literal["linear", "relu", "sigmoid"] = "linear",
        corruption: CorruptionName = "none",
        corruption_amount: Amount = 0.0,
        regularizer: RegularizerName = "none",
        regularizer_weight: Amount = 0.0,
        sparsity: Annotated[float, Field(gt=0, lt=1)] = 0.05,
        projections: Annotated[int, Field(ge=0, le=1000)] = 1,
        prior: priors.PriorName = "none",
        prior_components: PositiveInt = 1,
    ) -> None:
        super().__init__(spec, conditional)
        check_corruption(corruption, corruption_amount)
        if regularizer == "kl" and code_activation != "sigmoid":
            raise UserError("model.regularizer=kl needs codes between 0 and 1: add model.code_activation=sigmoid.")
        self.code_dim = latent_dim
        self.prior_components = priors.components(prior, prior_components)
        self.likelihood = likelihood_for(spec, reconstruction, setting="reconstruction")
        self.activation = ACTIVATIONS[code_activation]
        self.corruption, self.corruption_amount = CORRUPTIONS[corruption], corruption_amount
        self.regularizer, self.regularizer_weight = REGULARIZERS[regularizer](sparsity, projections), regularizer_weight
        self.encoder = encoder(input_shape=self.widened(spec.image_shape), output_shape=(latent_dim,))
        if regularizer == "contractive" and batch_norms(self.encoder):
            raise UserError(
                "model.regularizer=contractive looks at the code of each image alone, and batch normalization mixes "
                "them in the encoder: use encoder.normalization=group, or another regularizer."
            )
        self.decoder = with_scale(
            decoder(input_shape=self.widened((latent_dim,)), output_shape=spec.image_shape), self.likelihood
        )
        self.autoencoder_player = Player(
            "autoencoder", self.encoder, self.decoder, optimizer=optimizer(), ema_halflife=ema_halflife
        )
        self.declare(self.autoencoder_player, encoder=self.encoder, decoder=self.decoder)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        batch = {**batch, "image": context.augmented(batch["image"])}
        loss, logs, _ = self.loss(batch, context.noise, training=True)
        return self.autoencoder_player.minimize(loss, logs, context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        _, logs, code = self.loss(batch, context.noise, training=False)
        return {**logs, "active_units": active_units(code)}

    def loss(self, batch: Batch, noise: Noise, training: bool) -> tuple[tf.Tensor, Logs, tf.Tensor]:
        """The reconstruction loss, summed over an example's numbers, mean over examples, and the weighted penalty."""
        image, label = self.corruption(batch["image"], self.corruption_amount, noise), self.condition(batch)
        code = self.code(image, label, training)
        inputs = attach(code, label)
        errors = decoded_loss(self.decoder, self.likelihood, inputs, batch["image"], training)
        reconstruction = tf.reduce_mean(errors)
        penalty = self.regularizer(code, image, noise)
        loss = reconstruction + self.regularizer_weight * penalty
        return loss, {"loss": loss, "reconstruction": reconstruction, "penalty": penalty}, code

    def code(self, image: tf.Tensor, label: tf.Tensor, training: bool) -> tf.Tensor:
        """Codes (n, code_dim) of images."""
        return self.activation(self.encoder(attach(image, label), training=training))

    def encode(self, batch: Batch) -> tf.Tensor:
        return self.code(batch["image"], self.condition(batch), training=False)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        assert self.prior is not None
        return self.prior.draw(label, noise)

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        return self.likelihood.image(self.decoder(attach(code, label), training=False))
