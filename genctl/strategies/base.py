"""What every strategy shares: labels, phases, and the list of its state."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

import keras
import tensorflow as tf

from genctl.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.optimizers import Optimizer
from genctl.player import Logs, Player

Batch = Mapping[str, tf.Tensor]  # image: float32 (n, ...) in [-1, 1]; label: float32 one-hot (n, classes)
NetworkBuilder = Callable[..., keras.Model]  # takes input_shape and output_shape
OptimizerBuilder = Callable[..., Optimizer]  # takes what should differ from the config, by name


ABILITIES = {  # what each needs of a strategy
    "sample": ("draw", "decode"),
    "decode": ("decode",),
    "encode": ("encode",),
    "reconstruct": ("encode", "decode"),
}


class Strategy:
    """What the players do with a batch. A subclass's constructor takes the networks it wants, by config group name.

    phases: the steps of each phase in order; the last one goes on for as long as the run does.
    monitor: the validation log whose smallest value marks the best checkpoint; None where no log tells quality.
    pretrained: the run whose encoder and decoder this one begins with; None: new ones.
    parts: equal parts that `step` divides its batch into.
    code_dim: numbers in what `draw` and `encode` return and `decode` takes; set by a constructor that has these.
    """

    phases: Mapping[str, int] = {"train": 0}
    monitor: str | None = None
    pretrained: str | None = None
    parts = 1
    code_dim = 0

    def __init__(self, spec: Spec, conditional: bool) -> None:
        if conditional and not spec.label_dim:
            raise UserError(f"model.conditional=true needs labels, and data set '{spec.name}' has none.")
        self.spec = spec
        self.label_dim = spec.label_dim if conditional else 0

    def step(self, batch: Batch, context: StepContext) -> Logs:
        """Let every player take its step; return scalars to average."""
        raise NotImplementedError

    def evaluate(self, batch: Batch, context: StepContext) -> Logs:
        """Return scalars about a batch that is not trained on."""
        raise NotImplementedError

    def draw(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Return one code of a new example for each row of `label`, float32 (n, label_dim): float32 (n, code_dim)."""
        raise NotImplementedError

    def encode(self, batch: Batch) -> tf.Tensor:
        """Return the batch's codes, (n, code_dim); the mean where the code of an example is random."""
        raise NotImplementedError

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """Return the examples in [-1, 1] of codes (n, code_dim) and labels (n, label_dim)."""
        raise NotImplementedError

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Return one new example in [-1, 1] for each row of `label`."""
        return self.decode(self.draw(label, noise), label)

    def reconstruct(self, batch: Batch) -> tf.Tensor:
        """Return the batch's examples in [-1, 1], encoded and decoded."""
        return self.decode(self.encode(batch), self.condition(batch))

    def can(self, ability: str) -> bool:
        """Whether this family has all that one of ABILITIES needs."""
        return all(getattr(type(self), part) is not getattr(Strategy, part) for part in ABILITIES[ability])

    def condition(self, batch: Batch) -> tf.Tensor:
        """The labels that the networks are given: (n, label_dim), of width 0 unless conditional."""
        return batch["label"][:, : self.label_dim]

    def widened(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an input once its label is attached."""
        return (*shape[:-1], shape[-1] + self.label_dim)

    def phase(self, step: int) -> str:
        """Name of the phase that `step` (counted from 0) belongs to."""
        for name, length in list(self.phases.items())[:-1]:
            if step < length:
                return name
            step -= length
        return list(self.phases)[-1]

    def phase_ends(self) -> list[int]:
        """The steps at which one phase gives way to the next."""
        lengths = list(self.phases.values())[:-1]
        return [sum(lengths[: index + 1]) for index in range(len(lengths))]

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks by role."""
        return {name: value for name, value in vars(self).items() if isinstance(value, keras.Model)}

    @property
    def players(self) -> dict[str, Player]:
        """The players by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Player)}

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the block, every player's weights are their running average, where one is kept."""
        with contextlib.ExitStack() as stack:
            for player in self.players.values():
                stack.enter_context(player.averaged())
            yield


def attach(inputs: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """Give an input its label: as further features of vectors (n, d), or constant channels of images (n, h, w, c)."""
    if label.shape[-1] == 0:
        return inputs
    if len(inputs.shape) == 4:
        label = tf.broadcast_to(label[:, None, None, :], tf.concat([tf.shape(inputs)[:3], tf.shape(label)[1:]], axis=0))
    return tf.concat([inputs, label], axis=-1)
