"""A transposed convolution that is fast for few channels out."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class FewChannelsTranspose(keras.layers.Conv2DTranspose):
    """Conv2DTranspose with strides 2 and padding "same", for images of few channels: same weights, same output.

    Each of the four pixels that a position becomes is an ordinary convolution of the input, so that one convolution
    with four times the channels, whose pixels are then spread out, gives them all (Shi et al. 2016, "Is the
    deconvolution layer the same as a convolutional layer?"). CPU kernels are made for that and not for one channel out.
    """

    def __init__(self, filters: int, kernel_size: int, **options: Any) -> None:
        super().__init__(filters, kernel_size, strides=2, padding="same", **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(n, h, w, in) to (n, 2 h, 2 w, filters)."""
        outputs = _transpose(inputs, tf.convert_to_tensor(self.kernel))
        return self.activation(tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias)))


@tf.custom_gradient
def _transpose(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """(n, h, w, in) and (k, k, out, in) to (n, 2 h, 2 w, out); the gradients are the transposed convolution's own."""
    small = tf.nn.conv2d(inputs, phases(kernel), 1, "SAME")

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        shape = tf.shape(kernel)
        return (
            tf.nn.conv2d(upstream, kernel, 2, "SAME"),
            tf.raw_ops.Conv2DBackpropFilter(
                input=upstream, filter_sizes=shape, out_backprop=inputs, strides=[1, 2, 2, 1], padding="SAME"
            ),
        )

    return tf.nn.depth_to_space(small, 2), gradient


def phases(kernel: tf.Tensor) -> tf.Tensor:
    """The kernel (m, m, in, 4 out) of the convolution that gives all four pixels, from (k, k, out, in)."""
    size, _, out, width = kernel.shape
    taps = _taps(size)
    spread = np.einsum("mrt,nsu->mnrstu", taps, taps).reshape(-1, size * size)
    mixed = tf.constant(spread, kernel.dtype) @ tf.reshape(kernel, (size * size, out * width))
    return tf.transpose(tf.reshape(mixed, (len(taps), len(taps), 4 * out, width)), (0, 1, 3, 2))


def _taps(size: int) -> np.ndarray:
    """Which weight t of a transposed kernel acts at place m of the convolution that gives phase r: 0 or 1, (m, r, t).

    The transposed convolution adds x[i] w[t] to y[2 i + t - before], so y[2 q + r] takes x[q + d] times w[r + before -
    2 d].
    """
    before = max(size - 2, 0) // 2
    reach = max(size - 1 - before, before + 1) // 2
    taps = np.zeros((2 * reach + 1, 2, size))
    for place in range(2 * reach + 1):
        for phase in range(2):
            weight = phase + before - 2 * (place - reach)
            if 0 <= weight < size:
                taps[place, phase, weight] = 1
    return taps
