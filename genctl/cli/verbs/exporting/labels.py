"""Labels of exported networks, and what becomes of a number that is no class: it never passes for one."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def one_hot(label: Any, classes: int) -> Any:
    """Labels (n,) as float32 (n, classes). Whatever runs it raises an error for others, if it can.

    Runtimes on a CPU refuse to take a row beyond the end of a table. TensorFlow's assertion works on a GPU too.
    """
    if tf.is_tensor(label):
        known = tf.reduce_all(_is_class(label, classes))
        check = tf.debugging.Assert(known, [f"label should be a number from 0 to {classes - 1}, and is", label])
        with tf.control_dependencies([check]):
            label = tf.identity(label)
    beyond = keras.ops.where(label < 0, classes, label)  # a negative place counts from the end
    return keras.ops.take(np.eye(classes, dtype=np.float32), beyond, axis=0)


def blanked(values: Any, label: Any, classes: int) -> Any:
    """Values (n, ...) with 0 for the bytes, and no finite number, of labels that are no class.

    That is for runtimes that go on where `one_hot` would have them stop: JAX, and most on a GPU. It is done by
    arithmetic, since converters do not know every kind of choice.
    """
    known = keras.ops.cast(_is_class(label, classes), "float32")
    known = keras.ops.reshape(known, (-1, *[1] * (len(values.shape) - 1)))
    if values.dtype == "uint8":
        return keras.ops.cast(keras.ops.cast(values, "float32") * known, "uint8")
    return values / known


def _is_class(label: Any, classes: int) -> Any:
    return keras.ops.logical_and(label >= 0, label < classes)
