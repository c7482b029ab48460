"""What autoencoders do to images and codes: corruptions, binarisation, penalties, and levels."""

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.objectives.binarization import BINARIZATIONS
from genctl.objectives.corruptions import CORRUPTIONS
from genctl.objectives.regularizers import activity_kl, contractive, l1
from genctl.strategies.hae import HAE
from genctl.strategies.players.optimizers import Optimizer

NOISE = Noise(0, 1)
GREY = tf.fill((200, 10, 10, 1), 0.5)  # intensity 3/4


def dense(input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> keras.Model:
    """A linear network."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(math.prod(output_shape)), keras.layers.Reshape(output_shape)]
    return keras.Sequential([keras.Input(input_shape), *layers])


def test_masking_blackens_the_share_and_leaves_the_rest() -> None:
    images = CORRUPTIONS["masking"](GREY, 0.3, NOISE).numpy()
    assert set(np.unique(images)) == {-1.0, 0.5}
    assert (images == -1).mean() == pytest.approx(0.3, abs=0.01)


def test_salt_and_pepper_are_alike_and_leave_the_rest() -> None:
    images = CORRUPTIONS["salt_and_pepper"](GREY, 0.4, NOISE).numpy()
    shares = [(images == value).mean() for value in (-1, 1, 0.5)]
    assert shares == pytest.approx([0.2, 0.2, 0.6], abs=0.01)


def test_gaussian_noise_has_the_amount_as_deviation_in_intensities() -> None:
    difference = (CORRUPTIONS["gaussian"](GREY, 0.25, NOISE) - GREY).numpy() / 2
    assert (difference.mean(), difference.std()) == pytest.approx((0, 0.25), abs=0.005)


def test_dynamic_binarisation_has_the_intensity_as_mean_and_changes_with_the_step() -> None:
    first, second = (BINARIZATIONS["dynamic"](GREY, NOISE.at(step)).numpy() for step in (1, 2))
    assert set(np.unique(first)) == {-1.0, 1.0} and (first != second).any()
    assert (first == 1).mean() == pytest.approx(0.75, abs=0.01)


def test_fixed_binarisation_cuts_at_one_half() -> None:
    assert BINARIZATIONS["fixed"](tf.constant([[-1.0, -0.01, 0.0, 1.0]]), NOISE).numpy().tolist() == [[-1, -1, 1, 1]]


def test_l1_is_summed_over_a_code_and_averaged_over_examples() -> None:
    assert l1(tf.constant([[1.0, -2.0], [0.0, 3.0]])).numpy() == pytest.approx(3)


def test_activity_kl_against_its_definition() -> None:
    codes, target = np.array([[0.1, 0.5], [0.3, 0.7]], np.float32), 0.2
    expected = sum(p * np.log(p / q) for a in codes.mean(axis=0) for p, q in ((target, a), (1 - target, 1 - a)))
    assert activity_kl(tf.constant(codes), target).numpy() == pytest.approx(expected, rel=1e-5)
    assert activity_kl(tf.fill((4, 3), target), target).numpy() == pytest.approx(0, abs=1e-6)


def curved(weights: np.ndarray) -> Callable:
    """Codes tanh(W x) of images (n, 2, 2, 1)."""
    return lambda images: tf.tanh(tf.reshape(images, (-1, 4)) @ tf.constant(weights, tf.float32))


def test_the_contractive_penalty_is_the_norm_of_finite_differences() -> None:
    generator = np.random.default_rng(0)
    weights, images = generator.normal(size=(4, 3)), generator.normal(size=(5, 2, 2, 1))
    flat, step, expected = images.reshape(5, 4), 1e-6, 0.0
    for place in range(4):
        moved = np.eye(4)[place] * step
        slope = (np.tanh((flat + moved) @ weights) - np.tanh((flat - moved) @ weights)) / (2 * step)
        expected += (slope**2).sum(axis=1).mean()
    penalty = tf.function(lambda x: contractive(curved(weights), x, NOISE, 0))
    assert penalty(tf.constant(images, tf.float32)).numpy() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("projections", [1, 3])
def test_random_projections_are_unbiased(projections: int) -> None:
    generator = np.random.default_rng(1)
    encode, image = curved(generator.normal(size=(4, 3))), tf.constant(generator.normal(size=(1, 2, 2, 1)), tf.float32)
    exact = tf.function(lambda x: contractive(encode, x, NOISE, 0))(image)
    many = tf.function(lambda x: contractive(encode, x, NOISE, projections))(tf.repeat(image, 40_000, axis=0))
    assert many.numpy() == pytest.approx(exact.numpy(), rel=0.03)


def test_a_level_learns_while_the_coarser_ones_stand_still() -> None:
    spec = Spec("x", (2, 2, 1))
    strategy = HAE(
        spec,
        dense,
        dense,
        lambda: Optimizer(keras.optimizers.SGD(), learning_rate=1.0),
        levels=[1, 2],
        level_steps=5,
        reconstruction="squared_error",
        ema_halflife=0,
        conditional=False,
        prior="none",
        prior_components=1,
    )
    assert [strategy.phase(step) for step in (0, 4, 5, 99)] == ["level_0", "level_0", "level_1", "level_1"]
    assert len(strategy.networks) == 4 and len(strategy.players) == 2
    batch = {"image": tf.random.stateless_uniform((6, 2, 2, 1), (0, 0), -1), "label": tf.zeros((6, 0))}
    before = {name: [weight.numpy() for weight in network.weights] for name, network in strategy.networks.items()}
    logs = tf.function(lambda: strategy.step(batch, StepContext(5, "level_1", NOISE)))()
    still = {
        name: all((old == weight.numpy()).all() for old, weight in zip(before[name], network.weights, strict=True))
        for name, network in strategy.networks.items()
    }
    assert still == {"encoders_0": True, "decoders_0": True, "encoders_1": False, "decoders_1": False}
    assert logs["reconstruction"] == logs["reconstruction/level_1"] != logs["reconstruction/level_0"]
    codes = strategy.encode(batch)
    assert codes.shape == (6, 3)
    drawings = strategy.refine(batch, [False, False])[1]
    np.testing.assert_allclose(strategy.decode(codes, batch["label"]), np.tanh(drawings[1] / 2), atol=1e-6)
