"""Loss scaling, which keeps small gradients from becoming 0 in float16 (Micikevicius et al. 2018, section 3.2).

With the numbers of keras.optimizers.LossScaleOptimizer. That goes on halving for ever, without a word, where gradients
are not finite at any scale: ours stops at 1, and the norm that it then returns ends the run.
"""

from collections.abc import Callable

import tensorflow as tf

_FIRST = 2.0**15
_PATIENCE = 2000  # good steps before the scale is doubled


class LossScale:
    """What a loss is multiplied by, and its gradients divided by: halved where these overflow, doubled else."""

    def __init__(self) -> None:
        self.value = tf.Variable(_FIRST, trainable=False)
        self._good = tf.Variable(0, trainable=False, dtype=tf.int64)

    @property
    def variables(self) -> list[tf.Variable]:
        """What a checkpoint holds."""
        return [self.value, self._good]

    def guard(self, norm: tf.Tensor, move: Callable[[], None]) -> tf.Tensor:
        """Move only by gradients whose norm is finite, and adapt; return the norm, 0 where an overflow is no surprise.

        For compiled code.
        """
        finite = tf.math.is_finite(norm)
        expected = ~finite & (self.value > 1)

        def moved() -> tf.Operation:
            move()
            return tf.no_op()

        tf.cond(finite, moved, tf.no_op)
        good = tf.where(finite, self._good + 1, 0)
        doubled = tf.where(good >= _PATIENCE, 2 * self.value, self.value)
        self.value.assign(tf.where(finite, doubled, tf.maximum(self.value / 2, 1.0)))
        self._good.assign(good % _PATIENCE)
        return tf.where(expected, 0.0, norm)
