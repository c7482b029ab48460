"""How much memory a network takes, known before its weights are made."""

import contextlib
import functools
import math
from collections.abc import Callable
from typing import ParamSpec

import keras
import tensorflow as tf

from genctl.compute.device import free_memory
from genctl.compute.memory import amount
from genctl.errors import UserError

TRAINED = 4  # times the memory of the weights: they, their gradients, and an optimizer's two running means of these
Arguments = ParamSpec("Arguments")


def sized(build: Callable[Arguments, keras.Model]) -> Callable[Arguments, keras.Model]:
    """Let a function that builds a network raise UserError for one that is too large, instead of filling the memory.

    Weights get their values once all of the network is built, and the same as if each got them at once.
    """

    @functools.wraps(build)
    def checked(*arguments: Arguments.args, **options: Arguments.kwargs) -> keras.Model:
        try:
            with keras.StatelessScope(initialize_variables=False):
                network = build(*arguments, **options)
            _require_memory(network)
        except Exception:
            keras.backend.clear_session()  # forgets the weights that are still to get their values
            raise
        with keras.StatelessScope():
            pass  # they get their values as this ends
        return network

    return checked


def _require_memory(network: keras.Model) -> None:
    count = sum(math.prod(weight.shape) for weight in network.variables)
    stored = sum(math.prod(weight.shape) * tf.as_dtype(weight.dtype).size for weight in network.variables)
    needed, free = TRAINED * stored, free_memory()
    if needed > free:
        raise UserError(
            f"this network has {count:,} weights, and training it takes {amount(needed)}, but {amount(free)} of memory "
            "are free: make its layers smaller, or what it takes and gives."
        )


def kept_numbers(network: keras.Model) -> int:
    """How many numbers of an example a step of training keeps at least, until the way back has used them.

    These are the inputs of all layers with weights, whose gradients need them; or the largest output, if that is more.
    """
    inputs, outputs = [0], [0]
    for layer in network._flatten_layers(include_self=False):
        if isinstance(layer, keras.Model):
            continue  # its own layers follow
        with contextlib.suppress(AttributeError, ValueError):  # a layer inside another one has no place of its own
            outputs.append(_numbers(layer.output))
            inputs.append(_numbers(layer.input) if layer.trainable_weights else 0)
    return max(sum(inputs), max(outputs))


def _numbers(tensors: object) -> int:
    return sum(math.prod(size or 1 for size in tensor.shape[1:]) for tensor in keras.tree.flatten(tensors))
