"""What every strategy shares: labels, phases, and the list of its state."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.config.better import LOGS, Better
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.objectives.likelihoods import Likelihood
from genctl.objectives.normal import Normal
from genctl.strategies.parts.priors import Prior
from genctl.strategies.players.optimizers import Optimizer
from genctl.strategies.players.player import Logs, Player

Batch = Mapping[str, tf.Tensor]  # image: float32 (n, ...) in [-1, 1]; label: float32 one-hot (n, classes)
NetworkBuilder = Callable[..., keras.Model]  # takes input_shape and output_shape
OptimizerBuilder = Callable[..., Optimizer]  # takes what should differ from the config, by name


ABILITIES = {  # what each needs of a strategy
    "sample": ("draw", "decode"),
    "decode": ("decode",),
    "encode": ("encode",),
    "infer": ("posterior",),
    "reconstruct": ("encode", "decode"),
    "likelihood": ("log_terms",),
    "rank": ("encode", "rates"),
}


class Strategy:
    """What the players do with a batch. A subclass's constructor takes the networks it wants, by config group name.

    phases: the steps of each phase in order; the last one goes on for as long as the run does.
    monitor: the validation log whose smallest value marks the best checkpoint; None where no log tells quality.
    better: which values of a validation log are the better ones, by its name.
    pretrained: the run whose encoder and decoder this one begins with; None: new ones.
    batches: how many `step` takes, as one (see Game.turns). alternates: every other row of each is treated differently.
    code_dim: numbers in what `draw` and `encode` return and `decode` takes; set by a constructor that has these.
    needs_prior: `draw` takes codes from `prior`, a mixture of prior_components (0: none) that is fitted after training.
    likelihood: of images, given what the decoder gives; set by a constructor that has a decoder.
    binarization: what training does to intensities first, by its name in objectives/binarization.py.
    augmentation: what is augmented where the data set says that images are, and what that does to samples.
    """

    phases: Mapping[str, int] = {"train": 0}
    monitor: str | None = None
    better: Mapping[str, Better] = LOGS
    pretrained: str | None = None
    batches = 1
    alternates = False
    code_dim = 0
    needs_prior = False
    prior_components = 0
    prior: Prior | None = None
    likelihood: Likelihood
    binarization = "none"
    augmentation = "of the images that the model learns from, so that what it draws looks augmented too"

    def __init__(self, spec: Spec, conditional: bool) -> None:
        if conditional and not spec.label_dim:
            raise UserError(f"model.conditional=true needs labels, and data set '{spec.name}' has none.")
        self.spec = spec
        self.label_dim = spec.label_dim if conditional else 0
        self.networks: dict[str, keras.Model] = {}
        self.players: dict[str, Player] = {}

    def declare(self, *players: Player, **networks: keras.Model | Sequence[keras.Model]) -> None:
        """Say what there is to train and to store: the players, and all networks by role, or by role and level.

        The last line of a constructor. Raises UserError for a player whose weights are in no declared network, since
        no checkpoint would hold them.
        """
        for role, network in networks.items():
            several = isinstance(network, Sequence)
            self.networks |= (
                {f"{role}_{level}": one for level, one in enumerate(network)} if several else {role: network}
            )
        self.players = {player.name: player for player in players}
        stored = {id(weight) for network in self.networks.values() for weight in network.weights}
        for player in players:
            if any(id(weight) not in stored for weight in player.weights):
                raise UserError(
                    f"{type(self).__name__}: player '{player.name}' has weights of a network that is not declared, so "
                    "that no checkpoint would hold them: name this network in self.declare(…)."
                )

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

    def posterior(self, batch: Batch) -> Normal:
        """Return q(z | x) of each example where that is one normal distribution; its mean is what `encode` returns."""
        raise NotImplementedError

    def rates(self, batch: Batch) -> tf.Tensor:
        """Return KL(q(z_j | x) || p(z_j)) in nats for each example and number of its code, (n, code_dim)."""
        raise NotImplementedError

    def decode(self, code: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """Return the examples in [-1, 1] of codes (n, code_dim) and labels (n, label_dim)."""
        raise NotImplementedError

    def draw_posterior(self, batch: Batch, noise: Noise) -> tf.Tensor:
        """Return one code of each example, (n, code_dim), drawn from its distribution where that is random."""
        return self.encode(batch)

    def log_terms(self, batch: Batch, noise: Noise, samples: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return log p(x | z) and log p(z) - log q(z | x), each (n, samples), of codes z from q(z | x), in nats."""
        raise NotImplementedError

    def log_weights(self, batch: Batch, noise: Noise, samples: int) -> tf.Tensor:
        """Return log p(x, z) - log q(z | x), (n, samples), whose exponential has the mean p(x), in nats."""
        return tf.add(*self.log_terms(batch, noise, samples))

    def sample(self, label: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Return one new example in [-1, 1] for each row of `label`."""
        return self.decode(self.draw(label, noise), label)

    def reconstruct(self, batch: Batch) -> tf.Tensor:
        """Return the batch's examples in [-1, 1], encoded and decoded."""
        return self.decode(self.encode(batch), self.condition(batch))

    @classmethod
    def may(cls, ability: str) -> bool:
        """Whether this family has all that one of ABILITIES needs."""
        return all(getattr(cls, part) is not getattr(Strategy, part) for part in ABILITIES[ability])

    def can(self, ability: str) -> bool:
        """Whether this strategy, as it is set and trained, can do that."""
        if not self.may(ability) or self.lacks_prior(ability):
            return False
        return ability != "likelihood" or self.likelihood.measure is not None

    def lacks_prior(self, ability: str) -> bool:
        """Whether all that stands in the way is that no prior of the codes was fitted."""
        return ability == "sample" and self.needs_prior and self.prior is None

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

    def span(self, phase: str, total: int) -> tuple[int, int]:
        """The first step that schedules go through in a phase of a run of `total` steps, and the first one behind.

        All of the run, unless a family's phases learn different things, each of which has schedules of its own.
        """
        return 0, total

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
        label = keras.ops.ones_like(inputs[..., :1]) * label[:, None, None, :]
    return keras.ops.concatenate([inputs, label], axis=-1)


def repeated(batch: Batch, times: int) -> Batch:
    """A batch with each example `times` times in a row."""
    return {name: tf.repeat(value, times, axis=0) for name, value in batch.items()}


def cut(code: tf.Tensor, sizes: Sequence[int]) -> list[tf.Tensor]:
    """The parts of so many numbers each of codes (n, sum of sizes)."""
    return keras.ops.split(code, np.cumsum(sizes)[:-1].tolist(), axis=1)
