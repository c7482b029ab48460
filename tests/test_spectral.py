"""Spectral normalization against singular values and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from genctl.errors import UserError
from genctl.networks import conv, mlp, resnet
from genctl.networks.layers.spectral import Spectral, spectral_norm

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype(np.float32)
IMAGES = np.random.default_rng(1).normal(size=(2, 5, 5, 2)).astype(np.float32)


def spectral_conv() -> Spectral:
    layer = Spectral(keras.layers.Conv2D(4, 3, use_bias=False))
    layer.build(IMAGES.shape)
    layer.layer.kernel.assign(KERNEL)
    return layer


def test_many_steps_find_the_largest_singular_value() -> None:
    layer = spectral_conv()
    for _ in range(200):
        layer(IMAGES, training=True)
    largest = np.linalg.svd(KERNEL.reshape(-1, 4), compute_uv=False)[0]
    assert float(spectral_norm(tf.constant(KERNEL), layer.u.value)[0]) == pytest.approx(largest, rel=1e-5)
    expected = tf.nn.conv2d(IMAGES, KERNEL / largest, 1, "VALID")
    np.testing.assert_allclose(layer(IMAGES, training=False), expected, rtol=1e-4, atol=1e-5)


def test_u_moves_by_one_step_of_algorithm_1_in_training_alone() -> None:
    layer, matrix = spectral_conv(), KERNEL.reshape(-1, 4).T  # the paper's W is (out, in)
    u = layer.u.numpy().ravel()
    before = layer(IMAGES, training=False).numpy()
    assert (layer.u.numpy().ravel() == u).all()
    assert (layer(IMAGES, training=True).numpy() == before).all()
    v = matrix.T @ u
    v /= np.linalg.norm(v)
    expected = matrix @ v / np.linalg.norm(matrix @ v)
    np.testing.assert_allclose(layer.u.numpy().ravel(), expected, rtol=1e-4)
    assert [weight.name for weight in layer.non_trainable_variables] == ["u"]


def test_the_gradient_passes_through_sigma_with_u_and_v_held() -> None:
    kernel = KERNEL.reshape(-1, 4)
    u = np.random.default_rng(2).normal(size=(1, 4)).astype(np.float32)
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    after = v @ kernel / np.linalg.norm(v @ kernel)
    inputs = np.random.default_rng(3).normal(size=(5, len(kernel)))
    targets = np.random.default_rng(4).normal(size=(5, 4))

    def loss(weights: np.ndarray) -> float:
        return float((targets * (inputs @ weights) / (v @ weights @ after.T)).sum())

    with tf.GradientTape() as tape:
        weights = tf.Variable(kernel)
        sigma, _ = spectral_norm(tf.convert_to_tensor(weights), tf.constant(u))
        value = tf.reduce_sum(targets.astype(np.float32) * (inputs.astype(np.float32) @ weights) / sigma)
    gradient = tape.gradient(value, weights).numpy()
    assert float(value) == pytest.approx(loss(kernel.astype(float)), rel=1e-4)
    for place in np.ndindex(*kernel.shape):
        step = np.zeros(kernel.shape)
        step[place] = 1e-4
        difference = (loss(kernel + step) - loss(kernel - step)) / 2e-4
        assert gradient[place] == pytest.approx(difference, rel=1e-3, abs=1e-3)


def test_every_weight_of_a_discriminator_is_normalized() -> None:
    common = {"activation": "relu", "normalization": "spectral"}
    networks = [
        conv.build_conv_down((8, 8, 2), (1,), filters=[4], kernel_size=3, dropout=0.0, **common),
        resnet.build_resnet_down((8, 8, 2), (1,), filters=[4, 6], blocks=1, **common),
        mlp.build_mlp((8, 8, 2), (1,), units=[7], dropout=0.0, **common),
    ]
    for network in networks:
        kernels = [weight for weight in network.trainable_variables if weight.name == "kernel"]
        vectors = [weight for weight in network.non_trainable_variables if weight.name == "u"]
        assert len(kernels) == len(vectors) > 1


def test_sigma_is_float32_where_the_layer_computes_in_half_precision() -> None:
    layer = Spectral(keras.layers.Dense(4, use_bias=False, dtype="mixed_float16"))
    inputs = np.full((2, 3), 1e-2, np.float16)
    layer.build(inputs.shape)
    layer.layer.kernel.assign(np.full((3, 4), 1e4))  # squares overflow in float16
    outputs = layer(inputs, training=True)
    assert outputs.dtype == tf.float16
    np.testing.assert_allclose(outputs, np.full((2, 4), 3e-2 / np.sqrt(12)), rtol=1e-2)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Dense(3),
        keras.layers.Dense(3, use_bias=False, activation="tanh"),
        keras.layers.DepthwiseConv2D(3, use_bias=False),
        keras.layers.Conv2DTranspose(3, 3, use_bias=False),
        keras.layers.Flatten(),
    ],
)
def test_a_layer_that_is_not_linear_with_channels_last_is_refused(layer: keras.layers.Layer) -> None:
    with pytest.raises(UserError, match=f"without bias and activation, and got {type(layer).__name__}"):
        Spectral(layer)
