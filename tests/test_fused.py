"""Layers that train in fewer passes are Keras' own in all that one can see of them."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from genctl.networks.layers.fused import PLAIN, BatchNorm, LeakyReLU

SHAPES = [(16, 5), (16, 4, 6, 3)]


def arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(0.5, 2, shape).astype(np.float32) for shape in shapes]


def learned(layer: keras.layers.Layer, inputs: np.ndarray, upstream: np.ndarray) -> list[Any]:
    """Outputs, gradients and the layer's weights of a training call, then the outputs of one without training."""
    options = {"training": True} if isinstance(layer, keras.layers.BatchNormalization) else {}
    images = tf.constant(inputs)

    @tf.function
    def call() -> list[tf.Tensor]:
        outputs = layer(images, **options)
        weights = [weight.value for weight in layer.trainable_weights]
        return [outputs, *tf.gradients(outputs, [images, *weights], tf.constant(upstream))]

    return [*(value.numpy() for value in call()), *layer.get_weights(), layer(images).numpy()]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", PLAIN)
def test_they_are_keras_own(kind: type, shape: tuple[int, ...]) -> None:
    inputs, upstream = arrays(shape, shape)
    layers = kind(), PLAIN[kind]()
    for layer in layers:
        layer.build(shape)
        layer.set_weights([weight + 0.1 for weight in arrays(*(weight.shape for weight in layer.weights))])
    for ours, theirs in zip(*(learned(layer, inputs, upstream) for layer in layers), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_one_example_has_no_variance() -> None:
    layer = BatchNorm(momentum=0.0)
    assert (layer(tf.ones((1, 3)), training=True).numpy() == 0).all()
    assert (layer.moving_variance.numpy() == 0).all()


def test_a_leaky_rectifier_has_second_derivatives() -> None:
    """Of x times rectified x: 2 where x > 0, twice the slope elsewhere."""
    layer = LeakyReLU(negative_slope=0.25)
    images = tf.constant([-2.0, 3.0])

    @tf.function
    def second() -> tf.Tensor:
        [slope] = tf.gradients(tf.reduce_sum(images * layer(images)), images)
        return tf.gradients(tf.reduce_sum(slope), images)[0]

    assert second().numpy().tolist() == [0.5, 2.0]
