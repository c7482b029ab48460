"""Where batches come from: a copy of a split on the device, or its files, read ahead while the device computes.

Both give the same batches for the same seed. `take` is for any places of the split. `inputs` and `read` are for
training: what a call of several steps is given, and how compiled code gets one step's batch from that. `outside` says
whether batches come from outside the device.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genctl.compute.cores import cores
from genctl.data.examples import Split
from genctl.data.order import Order
from genctl.data.spec import Spec

CALL = 256  # the most steps of one call
Stored = tuple[tf.Tensor, tf.Tensor]  # images as they are stored (n, ...), labels int32 (n,)
_AHEAD = 8  # batches that are read before they are needed


class Resident:
    """All examples of a split as bytes (or floats) on the current device; batches are gathered in compiled code."""

    outside = False

    def __init__(self, split: Split) -> None:
        examples = split.load()
        self.size, self.bytes, self.dtype = split.size, split.bytes, split.pool.images.dtype
        self._images, self._labels = tf.constant(examples.images), tf.constant(examples.labels, tf.int32)

    def take(self, places: tf.Tensor) -> Stored:
        """The examples at these places of the split."""
        return tf.gather(self._images, places), tf.gather(self._labels, places)

    def inputs(self, order: Order, step: int, count: int) -> tf.Tensor:
        """Places int32 (CALL, batch), of which the first `count` rows count: one shape, so that XLA compiles once."""
        places = np.zeros((CALL, order.batch_size), np.int32)
        places[:count] = order.indices(step, count)
        return tf.constant(places)

    def read(self, inputs: tf.Tensor, index: tf.Tensor) -> Stored:
        """The batch of the call's step `index`."""
        return self.take(inputs[index])


class Streamed:
    """A split whose examples stay where they are, in files or in the host's memory; any position is reached at once."""

    outside = True

    def __init__(self, split: Split) -> None:
        self.size, self.bytes, self.dtype = split.size, split.bytes, split.pool.images.dtype
        self._split = split
        self._iterator: Any = None
        self._next = -1  # the step whose batch the iterator gives next

    def take(self, places: tf.Tensor) -> Stored:
        """The examples at these places of the split; not for compiled code."""
        return self._read(np.asarray(places))

    def inputs(self, order: Order, step: int, count: int) -> Any:
        """An iterator that stands at `step`; a new one where the last call ended elsewhere."""
        if step != self._next:
            self._iterator = iter(self._dataset(order, step))
        self._next = step + count
        return self._iterator

    def read(self, inputs: Any, index: tf.Tensor) -> Stored:
        """The iterator's next batch."""
        return next(inputs)

    def _dataset(self, order: Order, step: int) -> tf.data.Dataset:
        shape = (order.batch_size, *self._split.pool.images.shape[1:])

        def load(position: tf.Tensor) -> Stored:
            kinds = [tf.as_dtype(self.dtype), tf.int32]
            read = tf.numpy_function(lambda at: self._read(order.indices(int(at), 1)[0]), [position], kinds)
            return tf.ensure_shape(read[0], shape), tf.ensure_shape(read[1], shape[:1])

        positions = tf.data.Dataset.range(step, np.iinfo(np.int64).max)
        return positions.map(load, num_parallel_calls=cores(), deterministic=True).prefetch(_AHEAD)

    def _read(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        examples = self._split.take(places)
        return examples.images, examples.labels


Data = Resident | Streamed


def in_unit(images: Any, spec: Spec) -> Any:
    """Stored examples as float32 in [-1, 1]; of Keras' symbolic tensors too."""
    low, high = spec.ends(keras.backend.standardize_dtype(images.dtype))
    return (keras.ops.cast(images, "float32") - low) * (2 / (high - low)) - 1


def batch(stored: Stored, spec: Spec) -> dict[str, Any]:
    """Turn stored examples into image float32 (n, ...) in [-1, 1] and label (n, classes)."""
    images, labels = stored
    return {"image": in_unit(images, spec), "label": tf.one_hot(labels, spec.label_dim)}
