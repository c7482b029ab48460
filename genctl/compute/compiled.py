"""Compiled code, without AutoGraph: nothing here branches on a tensor, and to rewrite it took a second of every run."""

import functools

import tensorflow as tf

compiled = functools.partial(tf.function, autograph=False)
