"""The hierarchical autoencoder: codes at several levels, coarse to fine, each of which draws what is still missing.

With p_0 = 0 and p_l = p_{l-1} + De_l(c_l), c_l = E_l(x, image of p_{l-1}), minimise the mean over levels of the
reconstruction loss of p_l. Levels learn jointly, or each after the coarser ones, which then stand still.
"""

import functools

import keras
import tensorflow as tf
from pydantic import PositiveInt

from genctl.compute.context import Noise, StepContext
from genctl.config.intervals import Steps
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.networks.blocks import Widths
from genctl.objectives.likelihoods import LikelihoodName, likelihood_for
from genctl.strategies.parts import priors
from genctl.strategies.parts.phases import span_of
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, Strategy, attach, cut
from genctl.strategies.players.player import Logs, Loss, Player


class HAE(Strategy):
    """A player for all levels, or one for each, which move one after the other."""

    monitor = "reconstruction"
    needs_prior = True
    augmentation = "of the images to be reconstructed; a prior is fitted to the codes of images as they are"

    def __init__(
        self,
        spec: Spec,
        encoder: NetworkBuilder,
        decoder: NetworkBuilder,
        optimizer: OptimizerBuilder,
        levels: Widths,
        level_steps: Steps,
        reconstruction: LikelihoodName,
        ema_halflife: Steps,
        conditional: bool,
        prior: priors.PriorName,
        prior_components: PositiveInt,
    ) -> None:
        super().__init__(spec, conditional)
        self.levels, self.code_dim = levels, sum(levels)
        self.prior_components = priors.components(prior, prior_components)
        self.likelihood = likelihood_for(spec, reconstruction, setting="reconstruction")
        if self.likelihood.scale:
            raise UserError(
                f"model.reconstruction={reconstruction} has a scale of its own, which levels that add up have not."
            )
        *places, channels = spec.image_shape
        seen, image = self.widened((*places, 2 * channels)), spec.image_shape
        self.encoders = tuple(encoder(input_shape=seen, output_shape=(size,)) for size in levels)
        self.decoders = tuple(decoder(input_shape=self.widened((size,)), output_shape=image) for size in levels)
        pairs = [*zip(self.encoders, self.decoders, strict=True)]
        groups = {f"level_{level}": pair for level, pair in enumerate(pairs)}
        if not level_steps:
            groups = {"levels": (*self.encoders, *self.decoders)}
        self.phases = dict.fromkeys(groups, level_steps)
        self.autoencoders = tuple(
            Player(name, *networks, optimizer=optimizer(), ema_halflife=ema_halflife)
            for name, networks in groups.items()
        )
        self.declare(*self.autoencoders, encoders=self.encoders, decoders=self.decoders)

    def span(self, phase: str, total: int) -> tuple[int, int]:
        return span_of(phase, self.phases, total)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        batch = {**batch, "image": context.augmented(batch["image"])}
        turn = list(self.phases).index(context.phase)
        return self.autoencoders[turn].minimize(*self.loss(batch, context.phase, training=True), context)

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        return self.loss(batch, context.phase, training=False)[1]

    def loss(self, batch: Batch, phase: str, training: bool) -> Loss:
        """The mean over levels, so far as there are any, of the loss summed over an example's numbers."""
        moving = range(len(self.levels)) if phase == "levels" else [list(self.phases).index(phase)]
        drawings = self.refine(batch, [training and level in moving for level in range(moving[-1] + 1)])[1]
        losses = [tf.reduce_mean(self.likelihood.loss(batch["image"], drawing)) for drawing in drawings]
        loss = tf.reduce_mean(tf.stack(losses))
        each = {f"reconstruction/level_{level}": value for level, value in enumerate(losses)}
        return loss, {"loss": loss, "reconstruction": losses[-1], **each}

    def refine(self, batch: Batch, training: list[bool]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Codes and the decoder's parameters p_l of as many levels as `training` has entries, coarse to fine."""
        image, label = batch["image"], self.condition(batch)
        drawing, codes, drawings = keras.ops.zeros_like(image), [], []
        for encoder, decoder, moves in zip(self.encoders, self.decoders, training, strict=False):
            seen = keras.ops.concatenate([image, self.likelihood.image(drawing)], axis=-1)
            codes.append(encoder(attach(seen, label), training=moves))
            drawing = drawing + decoder(attach(codes[-1], label), training=moves)
            drawings.append(drawing)
        return codes, drawings

    def encode(self, batch: Batch) -> tf.Tensor:
        return keras.ops.concatenate(self.refine(batch, [False for _ in self.levels])[0], axis=1)

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        assert self.prior is not None
        return self.prior.draw(label, noise)

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        codes = zip(self.decoders, cut(code, self.levels), strict=True)
        drawings = [decoder(attach(part, label), training=False) for decoder, part in codes]
        return self.likelihood.image(functools.reduce(keras.ops.add, drawings))
