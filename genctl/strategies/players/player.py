"""A player: some networks, the optimizer that moves them, and (if asked) their running average."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from genctl.compute.context import StepContext
from genctl.compute.parallel import divide_among_devices, make_variable, mean_over_devices
from genctl.config.schedules import at
from genctl.networks.layers.fused import batch_norms
from genctl.strategies.players.loss_scale import LossScale
from genctl.strategies.players.optimizers import Optimizer

GRADIENT_NORM = "gradient_norm/"  # the logs of the newest observed step, where others are means over steps
Logs = dict[str, tf.Tensor]
Loss = tuple[tf.Tensor, Logs]


class Player:
    """Networks that minimise one loss together.

    name: what the player is called in logs.
    ema_halflife: images after which a weight counts half in the exponential moving average of the weights (Yazici et
    al. 2019, for GANs; in images as of Karras et al. 2018, so that another batch size averages as long); 0 keeps none.
    Ours, and not Keras' `use_ema`, which begins with the initial weights, counts steps, and only copies over weights.
    """

    def __init__(self, name: str, *networks: keras.Model, optimizer: Optimizer, ema_halflife: int = 0) -> None:
        self.name, self.networks = name, networks
        self.weights = [weight for network in networks for weight in network.trainable_variables]
        self.optimizer, self.rule = optimizer, optimizer.rule
        self.rule.build(self.weights)
        self.halflife = ema_halflife
        self.averages = [make_variable(weight.value) for weight in self.weights if ema_halflife]
        self.norms = [layer for network in networks for layer in batch_norms(network) if ema_halflife]
        self.moving = [moment for norm in self.norms for moment in (norm.moving_mean, norm.moving_variance)]
        self.moments = [make_variable(moment.value) for moment in self.moving]  # training/moments.py computes them
        several = optimizer.accumulate > 1
        self.sums = [make_variable(tf.zeros_like(weight.value)) for weight in self.weights if several]
        self.turns = [make_variable(tf.constant(0, tf.int64))] if several else []  # since the last update
        self.scale = LossScale() if keras.config.dtype_policy().compute_dtype == "float16" else None

    def minimize(self, loss: tf.Tensor, logs: Logs, context: StepContext) -> Logs:
        """Take one step down the gradient of `loss` with respect to this player's weights alone; return the logs.

        Where the context is not of learning, nothing moves.
        The logs gain the global norm of the gradient, so that one which is not finite ends the run as a loss does, and
        the learning rate where it changes. The norm takes a sixth of a step of dense networks: it is 0 at a step that
        nobody observes. Only for compiled code. Gradients are summed in pairs, because TensorFlow's sum of three or
        more tensors adds them in whatever order their memory becomes free (see also device.use).
        """
        if not context.learning:
            return logs
        penalties = [penalty for network in self.networks for penalty in network.losses]  # of layers' regularizers
        loss = tf.add_n([loss, *penalties]) if penalties else loss
        scale = self.scale.value if self.scale else None
        scaled = loss if scale is None else loss * scale
        values = [weight.value for weight in self.weights]
        gradients = tf.gradients(scaled, values, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE)
        if scale is not None:
            gradients = [None if gradient is None else gradient / scale for gradient in gradients]
        gradients = mean_over_devices(gradients)
        rate = context.rate_factor * at(self.optimizer.learning_rate, context)
        self.rule.learning_rate = rate
        if self.scale:
            logs = {**logs, f"loss_scale/{self.name}": self.scale.value}
            norm = self.scale.guard(tf.linalg.global_norm(gradients), lambda: self._move(gradients, context))
        else:
            observed = tf.convert_to_tensor(context.observed)
            norm = tf.cond(observed, lambda: tf.linalg.global_norm(gradients), lambda: 0.0)
            self._move(gradients, context)
        logs = {**logs, GRADIENT_NORM + self.name: norm}
        return {**logs, f"learning_rate/{self.name}": rate} if callable(self.optimizer.learning_rate) else logs

    def _move(self, gradients: Sequence[tf.Tensor | None], context: StepContext) -> None:
        if self.sums:
            self._accumulate(gradients, context)
        else:
            self._update(gradients, context)

    def _accumulate(self, gradients: Sequence[tf.Tensor | None], context: StepContext) -> None:
        """Add to the sums; move by their mean, and begin anew, once there were enough turns.

        Ours, and not Keras' `gradient_accumulation_steps`, since the average of the weights moves with each update.
        """
        for total, gradient in zip(self.sums, gradients, strict=True):
            if gradient is not None:
                total.assign_add(tf.convert_to_tensor(gradient))
        [turns] = self.turns

        def update() -> tf.Operation:
            means = [
                None if gradient is None else total / self.optimizer.accumulate
                for total, gradient in zip(self.sums, gradients, strict=True)
            ]
            self._update(means, context)
            for variable in (*self.sums, turns):
                variable.assign(tf.zeros_like(variable))
            return tf.no_op()

        tf.cond(turns.assign_add(1) == self.optimizer.accumulate, update, tf.no_op)

    def _update(self, gradients: Sequence[tf.Tensor | None], context: StepContext) -> None:
        if self.optimizer.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self.optimizer.clip_norm)
        self.rule.apply(divide_among_devices(gradients), self.weights)  # Keras adds those of all devices
        # The plain mean of all steps so far until the half-life takes over, so that initial weights do not linger.
        images = context.batch_size * self.optimizer.accumulate
        decay = 0.5 ** (images / self.halflife) if self.halflife else 0.0
        rate = tf.maximum(1 - decay, 1 / tf.cast(self.rule.iterations.value, tf.float32))
        for average, weight in zip(self.averages, self.weights, strict=False):
            average.assign_add(rate * (weight.value - average))

    @property
    def has_averages(self) -> bool:
        """Whether running averages are kept and have begun. Not for compiled code."""
        return bool(self.averages) and bool(self.rule.iterations.numpy())

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the block, weights are their running average, where one has begun, and the moments of batch
        normalization are those of it. Not for compiled code.
        """
        if not self.has_averages:
            yield
            return
        kept = [value.numpy() for value in (*self.weights, *self.moving)]
        self.take_average()
        try:
            yield
        finally:
            self._assign(kept)

    def take_average(self) -> None:
        """Let the weights be their running average for good, where one has begun. Not for compiled code."""
        if self.has_averages:
            self._assign([*self.averages, *self.moments])

    def _assign(self, values: Sequence[tf.Variable | np.ndarray]) -> None:
        for variable, value in zip((*self.weights, *self.moving), values, strict=True):
            variable.assign(value)

    @property
    def variables(self) -> list[tf.Variable | keras.Variable]:
        """All that this player adds to the networks' own state."""
        scale = self.scale.variables if self.scale else []
        return [*self.rule.variables, *self.averages, *self.moments, *self.sums, *self.turns, *scale]
