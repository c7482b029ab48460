"""Adversarial losses on a discriminator's scores of real and generated images: means over examples.

Scores are real numbers without a sigmoid. The first two games are in nats, with D = sigmoid(score).
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import tensorflow as tf

from genctl.compute.parallel import batch_mean
from genctl.config.choices import one_of


class Adversarial(NamedTuple):
    """discriminator: (real scores, fake scores) to the discriminator's loss; generator: fake scores to the generator's.

    boundary: scores above it are called real; None where scores mean something beside one another alone.
    labelled: the discriminator takes a third number, the label that real images have in place of 1.
    """

    discriminator: Callable[..., tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]
    boundary: float | None = 0.0
    labelled: bool = False

    def accuracies(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """Shares of real and generated images that the discriminator calls by their name.

        Without a boundary, that is the middle between the mean scores of both.
        """
        boundary = (batch_mean(real) + batch_mean(fake)) / 2 if self.boundary is None else self.boundary
        return {
            "discriminator/real_accuracy": tf.reduce_mean(tf.cast(real > boundary, tf.float32)),
            "discriminator/fake_accuracy": tf.reduce_mean(tf.cast(fake < boundary, tf.float32)),
        }


def cross_entropy(real: tf.Tensor, fake: tf.Tensor, label: float = 1.0) -> tf.Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))] (Goodfellow et al. 2014, equation 1).

    Real ones with another label: -E[label log D(x) + (1 - label) log(1 - D(x))] (Salimans et al. 2016, section 3.4).
    """
    return tf.reduce_mean(tf.nn.softplus(-real) + (1 - label) * real) + tf.reduce_mean(tf.nn.softplus(fake))


def minimax(fake: tf.Tensor) -> tf.Tensor:
    """E[log(1 - D(G(z)))] (Goodfellow et al. 2014, equation 1)."""
    return -tf.reduce_mean(tf.nn.softplus(fake))


def non_saturating(fake: tf.Tensor) -> tf.Tensor:
    """-E[log D(G(z))] (Goodfellow et al. 2014, section 3)."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


def squared_discriminator(real: tf.Tensor, fake: tf.Tensor, label: float = 1.0) -> tf.Tensor:
    """1/2 E[(D(x) - label)^2] + 1/2 E[D(G(z))^2] (Mao et al. 2017, equation 9)."""
    return 0.5 * (tf.reduce_mean(tf.square(real - label)) + tf.reduce_mean(tf.square(fake)))


def squared_generator(fake: tf.Tensor) -> tf.Tensor:
    """1/2 E[(D(G(z)) - 1)^2] (Mao et al. 2017, equation 9)."""
    return 0.5 * tf.reduce_mean(tf.square(fake - 1))


def hinge(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Miyato et al. 2018, equation 16)."""
    return tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + fake))


def wasserstein(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E[D(G(z))] - E[D(x)], the negative of what Arjovsky et al. 2017, equation 3, maximise."""
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


def negative_score(fake: tf.Tensor) -> tf.Tensor:
    """-E[D(G(z))] (Arjovsky et al. 2017, theorem 3 and algorithm 1, line 10; Miyato et al. 2018, equation 17)."""
    return -tf.reduce_mean(fake)


ADVERSARIAL = {
    "non_saturating": Adversarial(cross_entropy, non_saturating, labelled=True),
    "minimax": Adversarial(cross_entropy, minimax, labelled=True),
    "least_squares": Adversarial(squared_discriminator, squared_generator, boundary=0.5, labelled=True),
    "hinge": Adversarial(hinge, negative_score),
    "wasserstein": Adversarial(wasserstein, negative_score, boundary=None),
}

AdversarialName = Annotated[str, one_of(ADVERSARIAL)]
