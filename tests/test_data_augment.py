"""Augmentation: exact where pixels only move, a function of (seed, step), and of unchanged shape."""

import numpy as np
import pytest
import tensorflow as tf

from genctl.compute.context import Noise
from genctl.data.augment import augment, augmenter
from genctl.data.dataset import Augment
from genctl.data.spec import Spec

IMAGES = np.random.default_rng(0).uniform(-1, 1, (64, 5, 7, 3)).astype(np.float32)


def run(settings, images=IMAGES, seed=0, step=0):
    return augment(tf.constant(images), Noise(seed, step), settings, images.shape[1]).numpy()


def moved(images, down, right):
    """Images moved by whole pixels, edges repeated."""
    rows = np.clip(np.arange(images.shape[1]) - down, 0, images.shape[1] - 1)
    columns = np.clip(np.arange(images.shape[2]) - right, 0, images.shape[2] - 1)
    return images[:, rows][:, :, columns]


SPEC = Spec(name="images", image_shape=(5, 7, 3))


def test_off_is_nothing():
    assert augmenter(Augment(), SPEC) is None
    assert augmenter(Augment(flip=True), SPEC) is not None


def test_flip_mirrors_about_half_of_the_images():
    changed = run(Augment(flip=True))
    flipped = (changed == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (flipped | (changed == IMAGES).all(axis=(1, 2, 3))).all()
    assert 20 <= flipped.sum() <= 44


def test_shift_moves_by_every_whole_number_up_to_the_limit():
    changed = run(Augment(shift=2), np.repeat(IMAGES[:1], 500, axis=0))
    seen = set()
    for down in range(-2, 3):
        for right in range(-2, 3):
            if (changed == moved(IMAGES[:1], down, right)).all(axis=(1, 2, 3)).any():
                seen.add((down, right))
    assert len(seen) == 25
    assert len(np.unique(changed.reshape(500, -1), axis=0)) == 25


def test_smaller_images_move_by_as_much_of_their_side():
    large, small = (
        np.tile(np.arange(side, dtype=np.float32)[None, :, None, None], (300, 1, side, 1)) for side in (16, 8)
    )
    change = augmenter(Augment(shift=4), Spec(name="images", image_shape=(16, 16, 1)))
    rows, halves = (
        change(tf.constant(images), Noise(0, 3)).numpy()[:, side // 2, 0, 0] - side // 2
        for images, side in ((large, 16), (small, 8))
    )
    np.testing.assert_allclose(halves, rows / 2, atol=1e-5)
    assert set(rows) == set(range(-4, 5))


def test_crop_is_a_window_of_the_image_resized():
    ramp = np.broadcast_to(np.arange(100, dtype=np.float32)[None, :, None, None], (1000, 100, 2, 1))
    rows = run(Augment(crop=0.5), ramp)[:, :, 0, 0]
    slope = rows[:, 60] - rows[:, 59]
    assert 0.5 <= slope.min() < 0.53 and 0.97 < slope.max() <= 1.0
    np.testing.assert_allclose(np.diff(rows[:, 1:-1], axis=1), np.tile(slope[:, None], 97), atol=1e-3)
    first = rows[:, 0] + 0.5 - slope / 2
    room = 100 * (1 - slope)
    assert (first >= -0.01).all() and (first <= room + 0.01).all()
    assert first.min() < 0.1 and (first - room).max() > -0.1


def test_crop_keeps_constant_images():
    np.testing.assert_allclose(run(Augment(True, 3, 0.4), np.full((9, 5, 7, 1), 0.7, np.float32)), 0.7, rtol=1e-6)


def test_depends_on_seed_and_step_alone():
    settings = Augment(True, 1, 0.8)
    base = run(settings, seed=3, step=5)
    np.testing.assert_array_equal(run(settings, seed=3, step=5), base)
    assert (run(settings, seed=3, step=6) != base).any()
    assert (run(settings, seed=4, step=5) != base).any()


@pytest.mark.parametrize("xla", [False, True])
def test_compiles_with_any_number_of_images(xla):
    settings = Augment(True, 2, 0.7)

    @tf.function(jit_compile=xla, input_signature=[tf.TensorSpec([None, 5, 7, 3]), tf.TensorSpec([], tf.int64)])
    def compiled(images, step):
        return augment(images, Noise(0, step), settings, 5)

    for count in (1, 6):
        changed = compiled(tf.constant(IMAGES[:count]), tf.constant(2, tf.int64)).numpy()
        assert changed.shape == (count, 5, 7, 3)
        np.testing.assert_array_less(np.abs(changed), 1.0001)
    if not xla:
        np.testing.assert_allclose(changed, run(settings, IMAGES[:6], step=2), atol=1e-5)
