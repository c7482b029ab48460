"""The parts of a trained run that are of use alone, as functions from what is stored to what is stored.

They are written so that TensorFlow can trace them and Keras can call them on its symbolic inputs.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import keras
import numpy as np
import tensorflow as tf

from genctl.data.base import Examples, Split
from genctl.data.sources import batch, in_unit
from genctl.data.spec import Spec
from genctl.errors import UserError, did_you_mean
from genctl.sampling import batches
from genctl.strategies.base import Strategy, attach
from genctl.trained import Trained, joined

Arrays = Mapping[str, np.ndarray]


class Part(NamedTuple):
    """inputs: names, with shapes (without the first axis) and types. call: takes these by name; returns `output`.

    expected: what genctl itself gives for arrays of these inputs.
    """

    name: str
    inputs: dict[str, tuple[tuple[int, ...], str]]
    output: str
    call: Callable[..., Any]
    expected: Callable[[Arrays], np.ndarray]


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
    found = {key: part for key, make in makers.items() if (part := make(run)) is not None}
    if not found:
        raise UserError(f"{type(run.strategy).__name__} has no network that can be used alone: nothing is exported.")
    if name is None:
        return list(found.values())
    if name not in found:
        raise UserError(
            f"part={name}: {type(run.strategy).__name__} has {', '.join(found)}.{did_you_mean(name, found)}"
        )
    return [found[name]]


def encoder(run: Trained) -> Part | None:
    """Images to codes."""
    strategy = run.strategy
    if not strategy.can("encode"):
        return None

    def call(image: Any, label: Any = None) -> Any:
        return strategy.encode({"image": in_unit(image, of_files(run.spec)), "label": _one_hot(label, strategy, image)})

    def expected(arrays: Arrays) -> np.ndarray:
        images = Examples(arrays["image"], _classes(arrays))
        split = Split("given", images, np.arange(len(images.images)))
        return joined(run.codes(split, split.size, of_files(run.spec)))[0]

    return _part("encoder", run, "image", run.spec.image_shape, "code", call, expected)


def decoder(run: Trained) -> Part | None:
    """Codes to images."""
    strategy = run.strategy
    if not strategy.can("decode"):
        return None

    def call(code: Any, label: Any = None) -> Any:
        return as_stored(strategy.decode(code, _one_hot(label, strategy, code)), run.spec)

    def expected(arrays: Arrays) -> np.ndarray:
        codes = batches(arrays["code"], run.classes.weights(_classes(arrays)))
        return np.concatenate(list(run.images(codes)))

    return _part("decoder", run, "code", (strategy.code_dim,), "image", call, expected)


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

    def call(noise: Any, label: Any = None) -> Any:
        return as_stored(strategy.sample(_one_hot(label, strategy, noise), cast(Any, OneDraw(noise))), run.spec)

    def expected(arrays: Arrays) -> np.ndarray:
        labels = (
            tf.zeros((len(arrays["noise"]), 0)) if "label" not in arrays else _one_hot(arrays["label"], strategy, None)
        )
        return run.spec.to_stored(run.strategy.sample(labels, cast(Any, OneDraw(tf.constant(arrays["noise"])))).numpy())

    return _part("generator", run, "noise", shape, "image", call, expected)


def discriminator(run: Trained) -> Part | None:
    """Images to scores: the larger, the more real."""
    strategy = run.strategy
    network = strategy.networks.get("discriminator")
    shapes = (None, *strategy.widened(run.spec.image_shape))
    if network is None or len(network.inputs) != 1 or tuple(network.inputs[0].shape) != shapes:
        return None

    def call(image: Any, label: Any = None) -> Any:
        return network(attach(in_unit(image, of_files(run.spec)), _one_hot(label, strategy, image)), training=False)

    def expected(arrays: Arrays) -> np.ndarray:
        examples = batch((arrays["image"], _classes(arrays)), of_files(run.spec))
        inputs = attach(examples["image"], strategy.condition(examples))
        return run.strategy.networks["discriminator"](inputs, training=False).numpy()

    return _part("discriminator", run, "image", run.spec.image_shape, "score", call, expected)


def as_stored(values: Any, spec: Spec) -> Any:
    """What Spec.to_stored does to examples in [-1, 1]."""
    unit = (keras.ops.clip(values, -1.0, 1.0) + 1) / 2
    if spec.is_image:
        return keras.ops.cast(keras.ops.round(unit * 255), "uint8")
    low, high = np.asarray(spec.low, np.float32), np.asarray(spec.high, np.float32)
    return unit * (high - low) + low


def of_files(spec: Spec) -> Spec:
    """The spec with images as bytes, whatever they are in the data set."""
    return dataclasses.replace(spec, low=0.0, high=255.0) if spec.is_image else spec


def _part(
    name: str,
    run: Trained,
    given: str,
    shape: tuple[int, ...],
    output: str,
    call: Callable[..., Any],
    expected: Callable[[Arrays], np.ndarray],
) -> Part:
    inputs = {given: (shape, "uint8" if given == "image" and run.spec.is_image else "float32")}
    if run.strategy.label_dim:
        inputs["label"] = ((), "int32")
    return Part(name, inputs, output, call, expected)


def _one_hot(label: Any, strategy: Strategy, given: Any) -> Any:
    """Classes as the networks are given them; without labels, a width of 0, with a row for each of what is given.

    Keras' own models, whose inputs are no tensors yet, do not count rows: nothing is attached for labels of no width.
    """
    if label is None:
        return tf.zeros((tf.shape(given)[0], 0)) if tf.is_tensor(given) else np.zeros((1, 0), np.float32)
    return keras.ops.one_hot(label, strategy.label_dim, dtype="float32")


def _classes(arrays: Arrays) -> np.ndarray:
    """The numbers of classes, for names may be there twice or be those of other numbers; 0 where none are taken."""
    return arrays.get("label", np.zeros(len(next(iter(arrays.values()))), np.int32))
