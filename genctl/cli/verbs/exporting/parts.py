"""The parts of a trained run that are of use alone, as functions from what is stored to what is stored.

They are written so that TensorFlow can trace them and Keras can call them on its symbolic inputs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import keras
import numpy as np
import tensorflow as tf

from genctl.cli.verbs.exporting.labels import blanked, one_hot
from genctl.data.batches import batch, in_unit
from genctl.data.examples import Examples, Split
from genctl.data.spec import Spec
from genctl.errors import UserError, did_you_mean
from genctl.runs.sampler import batches
from genctl.runs.trained import Trained, joined
from genctl.strategies.parts.strategy import Strategy, attach

Arrays = Mapping[str, np.ndarray]


class Part(NamedTuple):
    """inputs: names, with shapes (without the first axis) and types. call: takes these and returns outputs, by name.

    expected: what genctl itself gives for arrays of these inputs.
    """

    name: str
    inputs: dict[str, tuple[tuple[int, ...], str]]
    outputs: tuple[str, ...]
    call: Callable[..., dict[str, Any]]
    expected: Callable[[Arrays], Arrays]


class OneDraw:
    """In place of Noise: the one normal tensor (n, d) that a strategy draws is given; shapes: what it asked for."""

    def __init__(self, values: Any = None) -> None:
        self.values, self.shapes = values, []  # type: Any, list[tuple[int, ...]]

    def normal(self, name: str, shape: Any) -> Any:
        """Return the given values, or zeros."""
        self.shapes.append(tuple(shape[1:]))
        return tf.zeros(shape) if self.values is None else self.values

    def __getattr__(self, name: str) -> Any:
        raise NotOneNormal(name)


class NotOneNormal(Exception):
    """A strategy draws other noise than one normal tensor."""


def parts(run: Trained, name: str | None) -> list[Part]:
    """The part of that name, or all that the family has. Raises UserError where it has none, or none of that name."""
    makers = {"encoder": encoder, "decoder": decoder, "generator": generator, "discriminator": discriminator}
    by_name = {key: part for key, make in makers.items() if (part := make(run)) is not None}
    if not by_name:
        raise UserError(f"{type(run.strategy).__name__} has no network that can be used alone: nothing is exported.")
    if name is None:
        return list(by_name.values())
    if name not in by_name:
        raise UserError(
            f"part={name}: {type(run.strategy).__name__} has {', '.join(by_name)}.{did_you_mean(name, by_name)}"
        )
    return [by_name[name]]


def encoder(run: Trained) -> Part | None:
    """Images to codes; where an example has a normal distribution of these, to its mean and log variance."""
    strategy = run.strategy
    if not strategy.can("encode"):
        return None
    random = strategy.can("infer")

    def call(image: Any, label: Any = None) -> dict[str, Any]:
        given = {"image": in_unit(image, run.spec), "label": _weights(label, strategy, image)}
        if not random:
            return {"code": strategy.encode(given)}
        codes = strategy.posterior(given)
        return {"code": codes.mean, "log_variance": codes.log_variance}

    def expected(arrays: Arrays) -> Arrays:
        images = Examples(arrays["image"], _classes(arrays))
        split = Split("given", images, np.arange(len(images.images)))
        codes = {"code": joined(run.codes(split, split.size))[0]}
        if not random:
            return codes
        examples = batch((arrays["image"], _classes(arrays)), run.spec)
        return codes | {"log_variance": strategy.posterior(examples).log_variance.numpy()}

    outputs = ("code", "log_variance") if random else ("code",)
    return _part("encoder", run, "image", run.spec.image_shape, outputs, call, expected)


def decoder(run: Trained) -> Part | None:
    """Codes to images."""
    strategy = run.strategy
    if not strategy.can("decode"):
        return None

    def call(code: Any, label: Any = None) -> dict[str, Any]:
        return {"image": as_stored(strategy.decode(code, _weights(label, strategy, code)), run.spec)}

    def expected(arrays: Arrays) -> Arrays:
        codes = batches(arrays["code"], run.classes.weights(_classes(arrays)))
        images = np.concatenate(list(run.images(codes)))
        return {"image": run.spec.to_bytes(images) if run.spec.is_image else images}

    return _part("decoder", run, "code", (strategy.code_dim,), ("image",), call, expected)


def generator(run: Trained) -> Part | None:
    """Standard normal noise to images; not for families that draw their codes otherwise."""
    strategy = run.strategy
    if not strategy.can("sample"):
        return None
    asked: Any = OneDraw()
    try:
        strategy.draw(tf.zeros((1, strategy.label_dim)), asked)
        [shape] = asked.shapes
    except (NotOneNormal, ValueError):
        return None

    def call(noise: Any, label: Any = None) -> dict[str, Any]:
        examples = strategy.sample(_weights(label, strategy, noise), cast(Any, OneDraw(noise)))
        return {"image": as_stored(examples, run.spec)}

    def expected(arrays: Arrays) -> Arrays:
        labels = tf.constant(run.classes.weights(_classes(arrays)))
        examples = strategy.sample(labels, cast(Any, OneDraw(tf.constant(arrays["noise"]))))
        images = run.spec.to_own(examples.numpy())
        return {"image": run.spec.to_bytes(images) if run.spec.is_image else images}

    return _part("generator", run, "noise", shape, ("image",), call, expected)


def discriminator(run: Trained) -> Part | None:
    """Images to scores: the larger, the more real."""
    strategy = run.strategy
    network = strategy.networks.get("discriminator")
    shapes = (None, *strategy.widened(run.spec.image_shape))
    if network is None or len(network.inputs) != 1 or tuple(network.inputs[0].shape) != shapes:
        return None

    def call(image: Any, label: Any = None) -> dict[str, Any]:
        inputs = attach(in_unit(image, run.spec), _weights(label, strategy, image))
        return {"score": network(inputs, training=False)}

    def expected(arrays: Arrays) -> Arrays:
        examples = batch((arrays["image"], _classes(arrays)), run.spec)
        inputs = attach(examples["image"], strategy.condition(examples))
        return {"score": network(inputs, training=False).numpy()}

    return _part("discriminator", run, "image", run.spec.image_shape, ("score",), call, expected)


def as_stored(values: Any, spec: Spec) -> Any:
    """Examples in [-1, 1] as bytes, or vectors in the data's own units."""
    unit = (keras.ops.clip(values, -1.0, 1.0) + 1) / 2
    if spec.is_image:
        return keras.ops.cast(keras.ops.round(unit * 255), "uint8")
    low, high = np.asarray(spec.low, np.float32), np.asarray(spec.high, np.float32)
    return unit * (high - low) + low


def _part(
    name: str,
    run: Trained,
    given: str,
    shape: tuple[int, ...],
    outputs: tuple[str, ...],
    call: Callable[..., dict[str, Any]],
    expected: Callable[[Arrays], Arrays],
) -> Part:
    inputs = {given: (shape, "uint8" if given == "image" and run.spec.is_image else "float32")}
    classes = run.strategy.label_dim
    if not classes:
        return Part(name, inputs, outputs, call, expected)

    def of_classes(label: Any, **others: Any) -> dict[str, Any]:
        return {key: blanked(value, label, classes) for key, value in call(**others, label=label).items()}

    return Part(name, {**inputs, "label": ((), "int32")}, outputs, of_classes, expected)


def _weights(label: Any, strategy: Strategy, given: Any) -> Any:
    """Classes as the networks are given them; without labels, a width of 0, with a row for each of what is given.

    Keras' own models, whose inputs are no tensors yet, do not count rows: nothing is attached for labels of no width.
    """
    if label is None:
        return tf.zeros((tf.shape(given)[0], 0)) if tf.is_tensor(given) else np.zeros((1, 0), np.float32)
    return one_hot(label, strategy.label_dim)


def _classes(arrays: Arrays) -> np.ndarray:
    """The numbers of classes, for names may be there twice or be those of other numbers; 0 where none are taken."""
    return arrays.get("label", np.zeros(len(next(iter(arrays.values()))), np.int32))
