"""Adversarial losses on the discriminator's scores (logits) of real and generated images: means in nats."""

import tensorflow as tf


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))], D = sigmoid(score) (Goodfellow et al. 2014, equation 1)."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def non_saturating_loss(fake: tf.Tensor) -> tf.Tensor:
    """-E[log D(G(z))], D = sigmoid(score) (Goodfellow et al. 2014, section 3)."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


def accuracies(real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
    """Shares of real and generated images that the discriminator calls by their name."""
    return {
        "discriminator/real_accuracy": tf.reduce_mean(tf.cast(real > 0, tf.float32)),
        "discriminator/fake_accuracy": tf.reduce_mean(tf.cast(fake < 0, tf.float32)),
    }
