"""The objectives in TensorFlow, as Keras models whose `update` takes one training step."""

import keras
import tensorflow as tf

from rivals import keras_networks as networks
from rivals.common import ADAM, NOISE, PENALTY, TURNS, Task


def build(task: Task) -> keras.Model:
    return {"vae": VAE, "gan": GAN, "wgan_gp": WassersteinGAN}[task.kind](task)


def adam(task: Task, network_weights: list) -> keras.Optimizer:
    rate, beta_1, beta_2 = ADAM[task.kind]
    optimizer = keras.optimizers.Adam(rate, beta_1, beta_2)
    optimizer.build(network_weights)
    return optimizer


class Trained(keras.Model):
    """`fit` calls train_step; a loop of one's own calls update."""

    def __init__(self) -> None:
        super().__init__()
        self.mean_loss = keras.metrics.Mean("loss")

    def update(self, images: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        self.mean_loss.update_state(self.update(images))
        return {"loss": self.mean_loss.result()}

    def _apply(self, optimizer: keras.Optimizer, tape: tf.GradientTape, loss: tf.Tensor, weights: list) -> None:
        optimizer.apply(tape.gradient(loss, weights), weights)


class VAE(Trained):
    def __init__(self, task: Task) -> None:
        super().__init__()
        dense = task.network == "dense"
        self.encoder = networks.dense_encoder() if dense else networks.conv_encoder()
        self.decoder = networks.dense_decoder() if dense else networks.conv_decoder()
        self.adam = adam(task, self.trainable_weights)

    def update(self, images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.encoder(images, training=True), 2, axis=1)
            code = mean + tf.exp(log_variance / 2) * tf.random.normal(tf.shape(mean))
            cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(images, self.decoder(code, training=True))
            rate = 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - 1 - log_variance, axis=1)
            loss = tf.reduce_mean(tf.reduce_sum(cross_entropy, axis=[1, 2, 3]) + rate)
        self._apply(self.adam, tape, loss, self.trainable_weights)
        return loss


class GAN(Trained):
    def __init__(self, task: Task) -> None:
        super().__init__()
        self.generator, self.discriminator = networks.generator(), networks.discriminator()
        self.generator_optimizer = adam(task, self.generator.trainable_weights)
        self.discriminator_optimizer = adam(task, self.discriminator.trainable_weights)

    def generate(self, images: tf.Tensor) -> tf.Tensor:
        return self.generator(tf.random.normal((tf.shape(images)[0], NOISE)), training=True)

    def update(self, images: tf.Tensor) -> tf.Tensor:
        fake = self.generate(images)
        with tf.GradientTape() as tape:
            true_scores = self.discriminator(images, training=True)
            false_scores = self.discriminator(fake, training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-true_scores)) + tf.reduce_mean(tf.nn.softplus(false_scores))
        self._apply(self.discriminator_optimizer, tape, loss, self.discriminator.trainable_weights)
        with tf.GradientTape() as tape:
            forged = tf.reduce_mean(tf.nn.softplus(-self.discriminator(self.generate(images), training=True)))
        self._apply(self.generator_optimizer, tape, forged, self.generator.trainable_weights)
        return loss


class WassersteinGAN(GAN):
    def update(self, images: tf.Tensor) -> tf.Tensor:
        for part in tf.split(images, TURNS):
            loss = self.criticise(part, self.generate(part))
        with tf.GradientTape() as tape:
            forged = -tf.reduce_mean(self.discriminator(self.generate(part), training=True))
        self._apply(self.generator_optimizer, tape, forged, self.generator.trainable_weights)
        return loss

    def criticise(self, images: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """One turn of the critic (Gulrajani et al. 2017, algorithm 1)."""
        share = tf.random.uniform((tf.shape(images)[0], 1, 1, 1))
        between = share * images + (1 - share) * fake
        with tf.GradientTape() as tape:
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(between)
                scores = self.discriminator(between, training=True)
            slopes = tf.sqrt(tf.reduce_sum(tf.square(inner.gradient(scores, between)), axis=[1, 2, 3]) + 1e-12)
            distance = self.discriminator(images, training=True) - self.discriminator(fake, training=True)
            loss = PENALTY * tf.reduce_mean(tf.square(slopes - 1)) - tf.reduce_mean(distance)
        self._apply(self.discriminator_optimizer, tape, loss, self.discriminator.trainable_weights)
        return loss
