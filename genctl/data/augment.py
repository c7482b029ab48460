"""Random changes of training images, inside the compiled step: linear in the images, so that gradients pass."""

from collections.abc import Callable

import tensorflow as tf

from genctl.compute.context import Noise
from genctl.data.dataset import Augment
from genctl.data.spec import Spec


def augmenter(settings: Augment, spec: Spec) -> Callable[[tf.Tensor, Noise], tf.Tensor] | None:
    """A function that changes images of a data set, or smaller ones, at random; None where nothing is enabled."""
    if not settings.enabled:
        return None
    return lambda images, noise: augment(images, noise, settings, spec.image_shape[0])


def augment(images: tf.Tensor, noise: Noise, settings: Augment, height: int) -> tf.Tensor:
    """Flip, shift and crop images (n, h, w, c) float32 at random; same shape.

    height: of the images whose pixels settings.shift counts; smaller images are shifted by as much of their side.
    A flip, a shift and a resized window are all maps of rows and of columns, so that one linear interpolation along
    each axis does them together.
    """
    count, scale = tf.shape(images)[0], images.shape[1] / height
    height, width = images.shape[1:3]
    kept = noise.uniform("augment/crop", [count], settings.crop, 1.0) if settings.crop < 1 else tf.ones([count])
    rows = _sources(height, kept, "rows", noise, settings.shift, scale)
    columns = _sources(width, kept, "columns", noise, settings.shift, scale)
    if settings.flip:
        mirrored = noise.uniform("augment/flip", [count, 1]) < 0.5
        columns = tf.where(mirrored, width - 1 - columns, columns)
    images = tf.einsum("nih,nhwc->niwc", _weights(rows, height), images)
    return tf.einsum("njw,niwc->nijc", _weights(columns, width), images)


def _sources(side: int, kept: tf.Tensor, axis: str, noise: Noise, shift: int, scale: float) -> tf.Tensor:
    """Where each of `side` pixels comes from, (n, side) in pixels, within the image.

    kept: (n,), the part of the side that the window keeps. shift: the most, in pixels of `scale` of those here.
    """
    count = tf.shape(kept)[0]
    start = noise.uniform(f"augment/{axis}/start", [count]) * (1 - kept) * side
    moved = tf.floor(noise.uniform(f"augment/{axis}/shift", [count], -shift, shift + 1))
    pixels = tf.range(side, dtype=tf.float32) - scale * moved[:, None]
    return tf.clip_by_value(start[:, None] + (pixels + 0.5) * kept[:, None] - 0.5, 0, side - 1)


def _weights(sources: tf.Tensor, side: int) -> tf.Tensor:
    """Weights of linear interpolation, (n, side, side): how much of each pixel goes into a source position."""
    return tf.nn.relu(1 - tf.abs(sources[:, :, None] - tf.range(side, dtype=tf.float32)))
