"""Encoders and a decoder of images at several sizes, coarsest first."""

import functools
import operator
from collections.abc import Sequence

import keras
import tensorflow as tf

from genctl.compute.context import StepContext
from genctl.config.schedules import NonNegativeScheduled, at, scheduled
from genctl.errors import UserError
from genctl.objectives.likelihoods import LIKELIHOODS
from genctl.strategies.parts.multilevel_game import smaller
from genctl.strategies.parts.strategy import attach
from genctl.strategies.players.player import Loss


class MultilevelAutoencoder:
    """E(x) = sum_l E_l(x_l), with an encoder for each size of image; De gives an image of every size.

    weight: of the squared errors in `loss`.
    """

    likelihood = LIKELIHOODS["squared_error"]

    def __init__(self, encoders: Sequence[keras.Model], decoder: keras.Model, weight: NonNegativeScheduled) -> None:
        self.encoders, self.decoder, self.weight = encoders, decoder, weight

    def encode(self, images: Sequence[tf.Tensor], label: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The codes (n, d) of images that are given in the first so many sizes."""
        parts = [
            encoder(attach(image, label), training=training)
            for encoder, image in zip(self.encoders, images, strict=False)
        ]
        return functools.reduce(operator.add, parts)  # in this order, which TensorFlow's sum of many does not promise

    def loss(self, image: tf.Tensor, label: tf.Tensor, active: int, context: StepContext, training: bool) -> Loss:
        """weight times the mean of ||x_l - De_l(E(x))||^2 over the `active` coarsest sizes of images (n, h, w, c).

        Errors are in intensities, summed over an example's numbers; the log `loss` is that of the finest size.
        """
        images = smaller(image, len(self.encoders))[:active]
        code = self.encode(images, label, training)
        drawn = outputs(self.decoder, attach(code, label), len(self.encoders), active, training)
        errors = [tf.reduce_mean(self.likelihood.loss(*pair)) for pair in zip(images, drawn, strict=True)]
        logs = {"loss": errors[-1], **scheduled(context, reconstruction_weight=self.weight)}
        return at(self.weight, context) * tf.reduce_mean(tf.stack(errors)), logs

    def images(
        self, network: keras.Model, code: tf.Tensor, label: tf.Tensor, active: int, training: bool = False
    ) -> list[tf.Tensor]:
        """Images in [-1, 1] of the first so many sizes, by a decoder or a generator."""
        drawn = outputs(network, attach(code, label), len(self.encoders), active, training)
        return [self.likelihood.image(parameters) for parameters in drawn]


def outputs(network: keras.Model, inputs: tf.Tensor, levels: int, active: int, training: bool) -> list[tf.Tensor]:
    """The coarsest `active` of a network's finest `levels` outputs; what only the others need is not computed."""
    part = keras.Model(network.inputs, network.outputs[-levels:][:active])
    return keras.tree.flatten(part(inputs, training=training))


def shapes(network: keras.Model, levels: int) -> list[tuple[int, ...]]:
    """The shapes of the finest `levels` images that a network gives. Raises UserError where it gives fewer."""
    sizes = [tuple(output.shape[1:]) for output in network.outputs]
    if levels > len(sizes):
        raise UserError(
            f"model.levels={levels}: decoder or generator gives {len(sizes)}: choose multiscale for both, and in "
            f"decoder.filters and generator.filters a width for each level; or model.levels={len(sizes)}."
        )
    return sizes[-levels:]
