"""Penalties on the slope of a discriminator, against closed forms and finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from genctl.compute.context import Noise
from genctl.objectives.penalties import PENALTIES

NOISE = Noise(seed=3)
REAL = np.random.default_rng(0).normal(size=(4, 2, 3, 1)).astype(np.float32)
FAKE = np.random.default_rng(1).normal(size=(4, 2, 3, 1)).astype(np.float32)
SLOPE = np.random.default_rng(2).normal(size=(6, 1)).astype(np.float32)


def linear(weights: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """A discriminator whose slope is `weights` at every image."""
    return lambda images: tf.reshape(images, (-1, 6)) @ weights


def squares(images: tf.Tensor) -> tf.Tensor:
    """A discriminator with the slope x at image x."""
    return 0.5 * tf.reduce_sum(tf.square(images), axis=[1, 2, 3])[:, None]


def compiled(name: str, score: Callable[[tf.Tensor], tf.Tensor], fake: np.ndarray = FAKE) -> float:
    penalty = tf.function(lambda: PENALTIES[name](score, tf.constant(REAL), tf.constant(fake), NOISE))()
    assert penalty.shape == () and penalty.dtype == tf.float32
    return float(penalty)


@pytest.mark.parametrize("name", PENALTIES)
def test_the_penalty_of_a_linear_critic_is_that_of_its_weights(name: str) -> None:
    length = np.linalg.norm(SLOPE)
    expected = (length - 1) ** 2 if name == "gradient_penalty" else length**2 / 2
    assert compiled(name, linear(tf.constant(SLOPE))) == pytest.approx(expected, rel=1e-5)


def test_r1_looks_at_real_images_and_r2_at_generated_ones() -> None:
    for name, images in (("r1", REAL), ("r2", FAKE)):
        assert compiled(name, squares) == pytest.approx(np.square(images).sum() / (2 * len(images)), rel=1e-5)


def test_the_gradient_penalty_looks_between_each_pair_at_a_place_of_its_own() -> None:
    share = tf.function(lambda: NOISE.uniform("interpolation", (4, 1, 1, 1)))().numpy()
    norms = np.sqrt(np.square(share * REAL + (1 - share) * FAKE).sum(axis=(1, 2, 3)))
    assert len(np.unique(share)) == 4
    assert compiled("gradient_penalty", squares) == pytest.approx(np.square(norms - 1).mean(), rel=1e-5)


@pytest.mark.parametrize("name", PENALTIES)
def test_the_gradient_of_a_penalty_is_that_of_finite_differences(name: str) -> None:
    def penalty(weights: tf.Tensor) -> tf.Tensor:
        score = lambda images: tf.tanh(linear(weights)(images))  # noqa: E731
        return PENALTIES[name](score, tf.constant(REAL), tf.constant(FAKE), NOISE)

    gradient = tf.function(lambda weights: tf.gradients(penalty(weights), weights)[0])(tf.constant(SLOPE)).numpy()
    value = tf.function(penalty)
    for index in range(len(SLOPE)):
        step = np.zeros_like(SLOPE)
        step[index] = 1e-2
        difference = (float(value(tf.constant(SLOPE + step))) - float(value(tf.constant(SLOPE - step)))) / 2e-2
        assert gradient[index, 0] == pytest.approx(difference, rel=2e-2, abs=1e-4)


def test_a_critic_that_is_flat_still_has_a_finite_gradient() -> None:
    @tf.function
    def gradient(weights: tf.Tensor) -> tf.Tensor:
        penalty = PENALTIES["gradient_penalty"](linear(weights), tf.constant(REAL), tf.constant(FAKE), NOISE)
        return tf.gradients(penalty, weights)[0]

    assert np.isfinite(gradient(tf.zeros((6, 1))).numpy()).all()
