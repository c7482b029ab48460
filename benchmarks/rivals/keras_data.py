"""Batches of MNIST with tf.data."""

import tensorflow as tf

from rivals.common import Task, images, low


def batches(task: Task) -> tf.data.Dataset:
    """Endless float32 batches: bytes are shuffled and batched, then scaled a batch at a time, ahead of the training."""
    stored = images(task)
    black = low(task)

    def scaled(batch: tf.Tensor) -> tf.Tensor:
        return tf.cast(batch, tf.float32) * ((1 - black) / 255) + black

    data = tf.data.Dataset.from_tensor_slices(stored).shuffle(len(stored)).repeat()
    data = data.batch(task.batch_size, drop_remainder=True)
    return data.map(scaled, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
