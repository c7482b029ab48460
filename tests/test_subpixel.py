"""The fast layer for few channels is Keras' transposed convolution, its gradients included."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from genctl.networks.layers.subpixel import FewChannelsTranspose


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", range(1, 8))
def test_same_output_and_gradients_as_conv2d_transpose(size: int, channels: int) -> None:
    images = tf.constant(np.random.default_rng(0).normal(size=(2, 5, 4, 6)), tf.float32)
    plain = keras.layers.Conv2DTranspose(channels, size, 2, "same", activation="tanh", bias_initializer="ones")
    fast = FewChannelsTranspose(channels, size, activation="tanh")
    plain.build(images.shape)
    fast.build(images.shape)
    fast.set_weights(plain.get_weights())

    def outcome(layer: keras.Layer) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images)
            total = tf.reduce_sum(outputs**3)
        return [outputs, *tape.gradient(total, [images, layer.kernel.value, layer.bias.value])]

    for ours, theirs in zip(outcome(fast), outcome(plain), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
