"""Training and using the classifier. It is trained by the same compiled steps as any run."""

import contextlib
import math
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from rich.progress import MofNCompleteColumn

from genctl.compute.compiled import compiled
from genctl.compute.context import Noise, StepContext
from genctl.config.schedules import cosine
from genctl.data.augment import augmenter
from genctl.data.bars import progress_bar
from genctl.data.batches import Data, Resident, Streamed
from genctl.data.dataset import Augment
from genctl.data.examples import Split
from genctl.data.order import Order
from genctl.data.spec import Spec
from genctl.metrics.features.feature_cache import Arrays
from genctl.networks.conv import build_conv_down
from genctl.networks.mlp import build_mlp
from genctl.strategies.parts.strategy import Batch, Strategy
from genctl.strategies.players.optimizers import adam
from genctl.strategies.players.player import Logs, Loss, Player
from genctl.training import program
from genctl.training.averages import Averages

WIDTH, SEED, CALL = 128, 0, 50  # features; of all randomness; steps of one call
RESIDENT_BYTES = 2**30  # data that are more are streamed


class Classifier(Strategy):
    """Cross entropy of the classes, which a linear layer reads off the features."""

    def __init__(self, spec: Spec, steps: int) -> None:
        super().__init__(spec, conditional=False)
        self.body, self.head = build(spec)
        rate = cosine(start=1e-3, end=0, steps=steps)
        optimizer = adam(learning_rate=rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, clip_norm=None, accumulate=1)
        self.player = Player("classifier", self.body, self.head, optimizer=optimizer)
        self.declare(self.player, body=self.body, head=self.head)

    def step(self, batch: Batch, context: StepContext) -> Logs:
        """Move down the loss."""
        return self.player.minimize(*self.loss(batch, context), context)

    def loss(self, batch: Batch, context: StepContext) -> Loss:
        """The mean cross entropy in nats."""
        scores = self.head(self.body(context.augmented(batch["image"]), training=True), training=True)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(batch["label"], scores))
        return loss, {"loss": loss}


class Network:
    """A trained classifier."""

    def __init__(self, spec: Spec, arrays: Arrays) -> None:
        with in_float32():
            body, self._head = build(spec)
        for role, network in (("body", body), ("head", self._head)):
            for name, variable in _named(role, network).items():
                variable.assign(arrays[name])
        self._features = compiled(
            lambda images: body(images, training=False), input_signature=[tf.TensorSpec([None, *spec.image_shape])]
        )

    def features(self, examples: np.ndarray) -> np.ndarray:
        """Examples (n, ...) in [-1, 1] to features (n, WIDTH)."""
        return self._features(examples).numpy()

    def classify(self, features: np.ndarray) -> np.ndarray:
        """The likeliest class of each, (n,)."""
        kernel, bias = (variable.numpy() for variable in self._head.trainable_variables)
        return np.argmax(features @ kernel + bias, axis=1)


def train(spec: Spec, split: Split, steps: int, batch_size: int) -> Arrays:
    """Train on the labels of a split; the same split gives the same weights on the same machine."""
    keras.utils.set_random_seed(SEED)
    with in_float32():
        model = Classifier(spec, steps)
    data: Data = Resident(split) if split.bytes < RESIDENT_BYTES else Streamed(split)
    order = Order(data.size, batch_size, SEED)
    shift = round(min(spec.image_shape[:2]) / 14) if spec.is_image else 0
    context = StepContext(0, "train", Noise(SEED, purpose="classifier"), augment=augmenter(Augment(shift=shift), spec))
    run = program.training(model, data, Averages(), context, xla=False)
    with progress_bar("training the classifier", steps, MofNCompleteColumn()) as advance:
        for step in range(0, steps, CALL):
            count = min(CALL, steps - step)
            first, due = tf.constant(step, tf.int64), tf.constant(steps, tf.int64)
            run(data.inputs(order, step, count), first, tf.constant(count), due)
            advance(count)
    networks = {"body": model.body, "head": model.head}
    return {key: one.numpy() for role, network in networks.items() for key, one in _named(role, network).items()}


def build(spec: Spec) -> tuple[keras.Model, keras.Model]:
    """Untrained networks: from an example to features that are not negative, and from these to scores of classes."""
    shape, width = spec.image_shape, (WIDTH,)
    if spec.is_image:
        levels = max(1, round(math.log2(min(shape[:2]) / 7)))  # down to about 7 pixels
        filters = [32 * 2 ** min(level, 3) for level in range(levels)]
        body = build_conv_down(
            shape, width, filters, kernel_size=5, activation="relu", normalization="batch", dropout=0.0
        )
    else:
        body = build_mlp(shape, width, (256,), activation="relu", normalization="none", dropout=0.0)
    features = keras.Model(body.input, keras.layers.ReLU()(body.output))
    inputs = keras.Input(width)
    scores = keras.layers.Dense(spec.label_dim)(keras.layers.Dropout(0.5, seed=SEED)(inputs))
    return features, keras.Model(inputs, scores)


@contextlib.contextmanager
def in_float32() -> Iterator[None]:
    """Within the block, networks are built in float32, whatever the run computes in."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def _named(role: str, network: keras.Model) -> dict[str, keras.Variable]:
    """The network's weights and statistics by a name that does not depend on Keras' numbering."""
    kept = [variable for variable in network.variables if "seed" not in variable.name]
    return {f"{role}/{index:02d}.{variable.name}": variable for index, variable in enumerate(kept)}
