"""How a discriminator is taught, beside which generator it may be: what the models with a discriminator share.

A game holds settings alone. Networks and players are the strategy's, which asks the game for them and for their losses.
"""

import dataclasses
import functools
from typing import Annotated, Literal

import keras
import tensorflow as tf
from pydantic import Field

from genctl.compute.context import Noise, StepContext
from genctl.compute.parallel import batch_mean
from genctl.config.intervals import PositiveAmount, PositiveSteps
from genctl.config.schedules import NonNegativeScheduled, PositiveScheduled, at
from genctl.errors import UserError
from genctl.networks.blocks import Fraction, Shape
from genctl.networks.layers.fused import batch_norms
from genctl.objectives.adversarial import ADVERSARIAL, AdversarialName
from genctl.objectives.penalties import PENALTIES, PenaltyName, Score
from genctl.strategies.parts.strategy import Batch, NetworkBuilder, OptimizerBuilder, attach
from genctl.strategies.players.player import Loss, Player

AUGMENTATION = "of real and generated images alike, as the discriminator sees them; what is drawn is not augmented"
DEFAULT_WEIGHT = 10.0  # of a penalty: Gulrajani et al. 2017, algorithm 1; Mescheder et al. 2018, section 6.1


@dataclasses.dataclass(frozen=True)
class Game:
    """The settings of a discriminator, as a model's config gives them.

    adversarial: the losses of both sides.
    penalty: on the slope of the scores; penalty_weight: None for 10.
    penalty_every_steps: the steps from one time that the penalty is computed, and weighed so many times, to the next
        (Karras et al. 2020, "lazy regularization").
    clip_weights: the bound that the discriminator's weights are cut to after its updates (Arjovsky et al. 2017).
    n_critic: turns of the discriminator, each with a batch of its own, before the generator's with the last of them
        (Arjovsky et al. 2017, algorithm 1).
    discriminator_learning_rate: None for the optimizer's.
    label_smoothing: real images have the label 1 - label_smoothing (Salimans et al. 2016, section 3.4).
    instance_noise: standard deviation of the noise on all that the discriminator sees (Sønderby et al. 2017, section
        3.3).
    condition_by: how the discriminator is given labels: beside the image, or by a projection (Miyato and Koyama 2018).
    """

    adversarial: AdversarialName
    penalty: PenaltyName
    penalty_weight: PositiveAmount | None
    penalty_every_steps: PositiveSteps
    clip_weights: PositiveAmount | None
    n_critic: Annotated[int, Field(gt=0, le=100)]
    discriminator_learning_rate: PositiveScheduled | None
    label_smoothing: Fraction
    instance_noise: NonNegativeScheduled
    condition_by: Literal["concat", "projection"]

    def __post_init__(self) -> None:
        if self.penalty == "none":
            self._refuse_without_penalty("penalty_weight", self.penalty_weight, None)
            self._refuse_without_penalty("penalty_every_steps", self.penalty_every_steps, 1)
        if self.label_smoothing and not ADVERSARIAL[self.adversarial].labelled:
            games = ", ".join(name for name, game in ADVERSARIAL.items() if game.labelled)
            raise UserError(
                f"model.label_smoothing={self.label_smoothing}: model.adversarial={self.adversarial} has no labels "
                f"that could be smoothed. Those that have: {games}."
            )

    def _refuse_without_penalty(self, name: str, value: float | None, default: int | None) -> None:
        if value != default:
            raise UserError(
                f"model.{name}={value} has no use with model.penalty=none: choose one of {', '.join(PENALTIES)} for "
                f"model.penalty, or model.{name}={'null' if default is None else default}."
            )

    def discriminator(self, build: NetworkBuilder, shape: Shape, label_dim: int) -> keras.Model:
        """The network for what has this shape, and labels. Raises UserError for one that cannot play."""
        if self.condition_by == "concat":
            network = build(input_shape=(*shape[:-1], shape[-1] + label_dim), output_shape=(1,))
        elif label_dim:
            network = build(input_shape=shape, output_shape=(1 + label_dim,))
        else:
            raise UserError("model.condition_by=projection needs labels: say model.conditional=true too.")
        if self.penalty != "none" and batch_norms(network):
            raise UserError(
                f"model.penalty={self.penalty} looks at the score of each image alone, and batch normalization mixes "
                "them in the discriminator: use discriminator.normalization=group, or model.penalty=none."
            )
        return network

    def discriminator_player(self, *networks: keras.Model, optimizer: OptimizerBuilder) -> Player:
        """The player that moves the discriminator's networks."""
        rate = {} if self.discriminator_learning_rate is None else {"learning_rate": self.discriminator_learning_rate}
        player = Player("discriminator", *networks, optimizer=optimizer(**rate))
        if self.clip_weights:
            for weight in player.weights:
                weight.constraint = functools.partial(_clip, bound=self.clip_weights)  # Keras applies it to updates
        return player

    def score(self, network: keras.Model, label: tf.Tensor, training: bool) -> Score:
        """The function from images to scores (n, 1), given their labels (n, label_dim).

        By projection, the network's outputs are psi(x) and, for each class, its row of V phi(x) (Miyato and Koyama
        2018, equation 3, whose psi and V are linear here): D(x, y) = psi(x) + y V phi(x).
        """
        if self.condition_by == "concat":
            return lambda images: network(attach(images, label), training=training)

        def score(images: tf.Tensor) -> tf.Tensor:
            outputs = network(images, training=training)
            return outputs[:, :1] + tf.reduce_sum(label * outputs[:, 1:], axis=1, keepdims=True)

        return score

    def turns(self, batch: Batch, context: StepContext) -> list[tuple[Batch, StepContext]]:
        """For each turn of the discriminator its batch (of the n_critic that `batch` holds), and noise of its own.

        What was made for the last turn serves the generator's turn too: its networks stand still until then, and run
        once for both.
        """
        return [(self._turn(batch, turn), context.branch(f"turn{turn}")) for turn in range(self.n_critic)]

    def last(self, batch: Batch) -> Batch:
        """The batch of the last turn, which those learn from who are not the discriminator."""
        return self._turn(batch, self.n_critic - 1)

    def _turn(self, batch: Batch, turn: int) -> Batch:
        """Every so many-th row, so that devices that share the rows find those of one device."""
        return {name: value[turn :: self.n_critic] for name, value in batch.items()}

    def discriminator_loss(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, context: StepContext, training: bool
    ) -> Loss:
        """Tell real from fake; in training, with the penalty, which is logged by itself and without its weight."""
        logs = {"generator/diversity": diversity(real, fake)}
        real, fake = self._shown(real, context, "real"), self._shown(fake, context, "fake")
        adversarial = ADVERSARIAL[self.adversarial]
        smoothing = {"label": 1 - self.label_smoothing} if self.label_smoothing else {}
        real_scores, fake_scores = score(real), score(fake)
        loss = adversarial.discriminator(real_scores, fake_scores, **smoothing)
        logs = {"discriminator/loss": loss, **adversarial.accuracies(real_scores, fake_scores), **logs}
        if callable(self.instance_noise):
            logs["instance_noise"] = at(self.instance_noise, context)
        if self.penalty == "none" or not training:
            return loss, logs
        penalty = self._penalty(score, real, fake, context)
        return loss + (self.penalty_weight or DEFAULT_WEIGHT) * penalty, {**logs, "discriminator/penalty": penalty}

    def generator_loss(self, score: Score, fake: tf.Tensor, context: StepContext) -> Loss:
        """Make what the discriminator calls real."""
        loss = ADVERSARIAL[self.adversarial].generator(score(self._shown(fake, context, "generator")))
        return loss, {"generator/loss": loss}

    def _penalty(self, score: Score, real: tf.Tensor, fake: tf.Tensor, context: StepContext) -> tf.Tensor:
        def value() -> tf.Tensor:
            return self.penalty_every_steps * PENALTIES[self.penalty](score, real, fake, context.noise)

        if self.penalty_every_steps == 1:
            return value()
        return tf.cond(context.step % self.penalty_every_steps == 0, value, lambda: 0.0)

    def _shown(self, images: tf.Tensor, context: StepContext, name: str) -> tf.Tensor:
        """What the discriminator is shown: real and generated images are augmented alike, so that the generator learns
        what images look like, and not what augmentation makes of them (Zhao et al. 2020, section 3.2); with noise.
        """
        images = context.augmented(images, name)
        if self.instance_noise == 0:
            return images
        noise: Noise = context.noise
        return images + at(self.instance_noise, context) * noise.normal(f"instance/{name}", tf.shape(images))


def diversity(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The distance between two generated images over that between two real ones, as root mean squares.

    The mean squared distance of a pair is twice the variance, summed over an image's numbers.
    """
    fake_variance, real_variance = (
        tf.reduce_sum(batch_mean(tf.square(images - batch_mean(images)))) for images in (fake, real)
    )
    return tf.sqrt(fake_variance / tf.maximum(real_variance, 1e-12))


def _clip(weight: keras.Variable, bound: float) -> tf.Tensor:
    return tf.clip_by_value(tf.convert_to_tensor(weight), -bound, bound)
