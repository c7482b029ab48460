"""Random changes of training images, inside the compiled step."""

import tensorflow as tf

from genctl.context import Noise
from genctl.data.base import Augment


def augment(images: tf.Tensor, noise: Noise, settings: Augment) -> tf.Tensor:
    """Flip, shift and crop images (n, h, w, c) float32 at random; same shape. Unchanged where nothing is enabled.

    A flip, a shift and a resized window are all maps of rows and of columns, so that one linear interpolation along
    each axis does them together.
    """
    if not settings.enabled:
        return images
    count = tf.shape(images)[0]
    height, width = images.shape[1:3]
    kept = noise.uniform("augment/crop", [count], settings.crop, 1.0) if settings.crop < 1 else tf.ones([count])
    rows = _sources(height, kept, "rows", noise, settings.shift)
    columns = _sources(width, kept, "columns", noise, settings.shift)
    if settings.flip:
        mirrored = noise.uniform("augment/flip", [count, 1]) < 0.5
        columns = tf.where(mirrored, width - 1 - columns, columns)
    images = tf.einsum("nih,nhwc->niwc", _weights(rows, height), images)
    return tf.einsum("njw,niwc->nijc", _weights(columns, width), images)


def _sources(side: int, kept: tf.Tensor, axis: str, noise: Noise, shift: int) -> tf.Tensor:
    """Where each of `side` pixels comes from, (n, side) in pixels, within the image.

    kept: (n,), the part of the side that the window keeps.
    """
    count = tf.shape(kept)[0]
    start = noise.uniform(f"augment/{axis}/start", [count]) * (1 - kept) * side
    moved = tf.floor(noise.uniform(f"augment/{axis}/shift", [count], -shift, shift + 1))
    pixels = tf.range(side, dtype=tf.float32) - moved[:, None]
    return tf.clip_by_value(start[:, None] + (pixels + 0.5) * kept[:, None] - 0.5, 0, side - 1)


def _weights(sources: tf.Tensor, side: int) -> tf.Tensor:
    """Weights of linear interpolation, (n, side, side): how much of each pixel goes into a source position."""
    return tf.nn.relu(1 - tf.abs(sources[:, :, None] - tf.range(side, dtype=tf.float32)))
