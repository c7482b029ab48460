"""Adversarial losses on a discriminator's scores of real and generated images: means over examples.

Scores are real numbers without a sigmoid. The first two games are in nats, with D = sigmoid(score).
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import tensorflow as tf

from genctl.choices import one_of


class Adversarial(NamedTuple):
    """critic: (real scores, fake scores) to the discriminator's loss; forger: fake scores to the generator's."""

    critic: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    forger: Callable[[tf.Tensor], tf.Tensor]


def cross_entropy(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))] (Goodfellow et al. 2014, equation 1)."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def minimax(fake: tf.Tensor) -> tf.Tensor:
    """E[log(1 - D(G(z)))] (Goodfellow et al. 2014, equation 1)."""
    return -tf.reduce_mean(tf.nn.softplus(fake))


def non_saturating(fake: tf.Tensor) -> tf.Tensor:
    """-E[log D(G(z))] (Goodfellow et al. 2014, section 3)."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


def squared_critic(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """1/2 E[(D(x) - 1)^2] + 1/2 E[D(G(z))^2] (Mao et al. 2017, equation 9)."""
    return 0.5 * (tf.reduce_mean(tf.square(real - 1)) + tf.reduce_mean(tf.square(fake)))


def squared_forger(fake: tf.Tensor) -> tf.Tensor:
    """1/2 E[(D(G(z)) - 1)^2] (Mao et al. 2017, equation 9)."""
    return 0.5 * tf.reduce_mean(tf.square(fake - 1))


def hinge(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Miyato et al. 2018, equation 16)."""
    return tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + fake))


def wasserstein(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E[D(G(z))] - E[D(x)] (Arjovsky et al. 2017, equation 2)."""
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


def negative_score(fake: tf.Tensor) -> tf.Tensor:
    """-E[D(G(z))] (Arjovsky et al. 2017, equation 3; Miyato et al. 2018, equation 17)."""
    return -tf.reduce_mean(fake)


def accuracies(real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
    """Shares of real and generated images that the discriminator calls by their name."""
    return {
        "discriminator/real_accuracy": tf.reduce_mean(tf.cast(real > 0, tf.float32)),
        "discriminator/fake_accuracy": tf.reduce_mean(tf.cast(fake < 0, tf.float32)),
    }


ADVERSARIAL = {
    "non_saturating": Adversarial(cross_entropy, non_saturating),
    "minimax": Adversarial(cross_entropy, minimax),
    "least_squares": Adversarial(squared_critic, squared_forger),
    "hinge": Adversarial(hinge, negative_score),
    "wasserstein": Adversarial(wasserstein, negative_score),
}

AdversarialName = Annotated[str, one_of(ADVERSARIAL)]
