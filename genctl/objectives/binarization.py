"""Ways to make grey pixels black or white, as a Bernoulli likelihood wants them. Say which: bounds differ by nats."""

from typing import Annotated

import tensorflow as tf

from genctl.compute.context import Noise
from genctl.config.choices import one_of
from genctl.errors import UserError
from genctl.objectives.likelihoods import intensity


def none(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """The images as they are: intensities count as probabilities."""
    return images


def fixed(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """White where the intensity is 1/2 or more, the same at every step."""
    return tf.where(intensity(images) >= 0.5, 1.0, -1.0)


def dynamic(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """White with the intensity as probability, drawn anew at every step (Burda et al. 2016, section 5)."""
    return tf.where(noise.uniform("binarization", tf.shape(images)) < intensity(images), 1.0, -1.0)


BINARIZATIONS = {function.__name__: function for function in (none, fixed, dynamic)}

BinarizationName = Annotated[str, one_of(BINARIZATIONS)]


def check_binarization(name: str, likelihood: str) -> None:
    """Refuse black and white images for a likelihood of grey ones. Raises UserError."""
    if name != "none" and likelihood != "bernoulli":
        raise UserError(
            f"model.binarization={name} makes pixels black or white, which model.likelihood={likelihood} is not for: "
            "choose model.likelihood=bernoulli or model.binarization=none."
        )
