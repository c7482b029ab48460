"""Spectral normalization (Miyato et al. 2018): linear layers whose largest singular value is kept at 1."""

from typing import Any

import keras
import tensorflow as tf

from genctl.errors import UserError

KINDS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)  # channels out come last


class Spectral(keras.layers.Layer):
    """A linear layer without bias, divided by its kernel's largest singular value; then a bias.

    Each call takes one step of power iteration from the left vector u (algorithm 1) to sigma = u W v. Training keeps u,
    and so do checkpoints: every call in training goes on where the one before it ended, in the order of the program.
    Gradients pass through sigma, with u and v as constants (equation 10). A convolution's kernel counts as a matrix of
    (everything else, channels out). sigma is float32 in any precision. Raises UserError for a layer of another kind.
    """

    def __init__(self, layer: keras.layers.Layer, **options: Any) -> None:
        if type(layer) not in KINDS or layer.use_bias or layer.activation is not keras.activations.linear:
            kinds = " or ".join(kind.__name__ for kind in KINDS)
            raise UserError(f"Spectral takes {kinds} without bias and activation, and got {type(layer).__name__}.")
        super().__init__(dtype="float32", autocast=False, **options)  # the layer inside has a precision of its own
        self.layer = layer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, u and the bias."""
        self.layer.build(input_shape)
        width = self.layer.kernel.shape[-1]
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")
        self.u = self.add_weight(
            shape=(1, width),
            initializer="random_normal",
            trainable=False,
            aggregation="only_first_replica",
            name="u",
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """(n, ..., in) to (n, ..., out)."""
        sigma, u = spectral_norm(tf.convert_to_tensor(self.layer.kernel), tf.convert_to_tensor(self.u))
        if training:
            self.u.assign(u)
        outputs = self.layer(inputs)
        return outputs / tf.cast(sigma, outputs.dtype) + tf.cast(self.bias, outputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of what the layer inside gives."""
        return self.layer.compute_output_shape(input_shape)


def spectral_norm(kernel: tf.Tensor, u: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The largest singular value of a kernel (..., out) as u (1, out) knows it after one more step, and the new u."""
    matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
    v = tf.math.l2_normalize(tf.stop_gradient(u @ tf.transpose(matrix)))
    u = tf.math.l2_normalize(tf.stop_gradient(v @ matrix))
    return tf.squeeze(v @ matrix @ tf.transpose(u)), u
