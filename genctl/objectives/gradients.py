"""Gradients within an objective, such as a penalty's; only for compiled code."""

import tensorflow as tf


def gradient(value: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """d sum(value) / d source, of the source's shape; summed in pairs, in the same order every time (see Player)."""
    [slope] = tf.gradients(value, source, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE)
    return slope
