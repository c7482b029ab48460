"""Ways to damage the images that a denoising autoencoder is to restore (Vincent et al. 2008; 2010, section 3.3).

Each takes images (n, ...) in [-1, 1], an amount and noise, and returns images of the same shape. Every number of an
image is damaged on its own, where the papers damage a fixed count of them.
"""

from typing import Annotated

import tensorflow as tf

from genctl.compute.context import Noise
from genctl.config.choices import one_of
from genctl.errors import UserError


def none(images: tf.Tensor, amount: float, noise: Noise) -> tf.Tensor:
    """The images as they are."""
    return images


def gaussian(images: tf.Tensor, amount: float, noise: Noise) -> tf.Tensor:
    """Add normal noise whose standard deviation is `amount`, in intensities (half as many units of [-1, 1])."""
    return images + 2 * amount * noise.normal("corruption", tf.shape(images))


def masking(images: tf.Tensor, amount: float, noise: Noise) -> tf.Tensor:
    """Set the share `amount` of the numbers to intensity 0."""
    return tf.where(noise.uniform("corruption", tf.shape(images)) < amount, -1.0, images)


def salt_and_pepper(images: tf.Tensor, amount: float, noise: Noise) -> tf.Tensor:
    """Set the share `amount` of the numbers to intensity 0 or 1, as a fair coin says."""
    draw = noise.uniform("corruption", tf.shape(images))
    return tf.where(draw < amount / 2, -1.0, tf.where(draw < amount, 1.0, images))


def check_corruption(name: str, amount: float) -> None:
    """Refuse an amount that is no share of the numbers where it has to be one. Raises UserError."""
    if name in ("masking", "salt_and_pepper") and amount > 1:
        raise UserError(f"model.corruption_amount={amount}: {name} damages a share of the numbers, at most 1.")


CORRUPTIONS = {function.__name__: function for function in (none, gaussian, masking, salt_and_pepper)}

CorruptionName = Annotated[str, one_of(CORRUPTIONS)]
