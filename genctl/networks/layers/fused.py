"""Layers of Keras that train in fewer passes over the activations: same weights, same outputs, same gradients."""

import keras
import tensorflow as tf


class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalization over the last axis, trained in one kernel; Keras' own takes a pass for every term of it."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """(n, channels) or (n, height, width, channels) to the same shape."""
        if not (training and self.trainable) or self.synchronized:  # no kernel shares its moments with other devices
            return super().call(inputs, training=training)
        flat = len(inputs.shape) == 2
        images = inputs[:, None, None, :] if flat else inputs
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(images)[:3]), tf.float32)
        variance *= (count - 1) / count  # the kernel divides by count - 1, Keras by count
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs[:, 0, 0, :] if flat else outputs


class LeakyReLU(keras.layers.LeakyReLU):
    """A leaky rectifier that is made by the convolution before it, since its gradient does not ask for its input."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Any shape to the same shape."""
        slope = float(self.negative_slope)

        @tf.custom_gradient
        def rectify(inputs: tf.Tensor) -> tuple[tf.Tensor, object]:
            outputs = tf.nn.leaky_relu(inputs, slope)  # of the same sign as the inputs

            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=slope)

            return outputs, gradient

        return rectify(inputs)


PLAIN = {BatchNorm: keras.layers.BatchNormalization, LeakyReLU: keras.layers.LeakyReLU}


def batch_norms(network: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The layers by which what the network gives for an example in training depends on the others."""
    return [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
