"""A run that exists, loaded from its directory alone: what `genctl.load` returns, and what the verbs use."""

import contextlib
import dataclasses
import functools
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genctl import build, priors, rundir
from genctl import checkpoint as checkpoints
from genctl.data.base import Dataset, Examples, Split
from genctl.data.spec import Spec
from genctl.errors import UserError, did_you_mean
from genctl.families import families
from genctl.terminal import quiet

if TYPE_CHECKING:
    from genctl.sampling import Codes, Sampler
    from genctl.strategies.base import Strategy

Label = str | int | Sequence[str | int] | np.ndarray | None  # one class for all, or one for each; by name or number


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run's directory, config, shapes and restored strategy; `step` says how far it was trained.

    Images are uint8 (n, h, w, c), vectors float32 (n, d) in the data's own units, codes float32 (n, code_dim). `label`
    is for class-conditional runs alone. Where running averages of weights are kept, the networks have these.
    """

    directory: Path
    config: dict[str, Any]
    spec: Spec
    strategy: "Strategy"
    step: int

    def sample(
        self, n: int = 64, seed: int = 0, label: Label = None, temperature: float = 1.0, truncation: float | None = None
    ) -> np.ndarray:
        """`n` new images, of the classes in turn that `label` names, or of all; the same for the same seed.

        temperature: what normal noise is multiplied by. truncation: the most it may be before that, either side of 0.
        """
        return self._all_images(self.draws(n, seed, label, temperature, truncation))

    def encode(self, images: np.ndarray, label: Label = None) -> np.ndarray:
        """The codes of images."""
        self.require("encode")
        return joined(self._encoded(images, label))[0]

    def decode(self, codes: np.ndarray, label: Label = None) -> np.ndarray:
        """The images of codes."""
        self.require("decode")
        return self._all_images(self.with_labels(codes, label))

    def reconstruct(self, images: np.ndarray, label: Label = None) -> np.ndarray:
        """Images, encoded and decoded."""
        self.require("reconstruct")
        return self._all_images(self._encoded(images, label))

    @property
    def networks(self) -> dict[str, Any]:
        """The Keras networks by role."""
        return self.strategy.networks

    @functools.cached_property
    def sampler(self) -> "Sampler":
        """What computes codes and images batch by batch."""
        from genctl.sampling import Sampler

        return Sampler(self.strategy)

    def require(self, ability: str) -> None:
        """Raise UserError where this strategy cannot do that."""
        if not self.strategy.can(ability):
            why = f": {priors.ADVICE}" if self.strategy.lacks_prior(ability) else "."
            able = f"Families that can: {', '.join(f'model={name}' for name in families(ability))}."
            raise UserError(f"{type(self.strategy).__name__} cannot {ability} (run={self.directory}){why} {able}")

    def dataset(self, trust: Sequence[str]) -> Dataset:
        """The data set that the run was trained on. Raises UserError where it is gone or has changed."""
        try:
            found = build.dataset(self.config, trust)
        except UserError as error:
            raise UserError(f"the data set of {self.directory} cannot be had: {error}") from error
        then = rundir.read_fingerprint(self.directory)
        if found.spec != self.spec or then not in (None, found.fingerprint):
            raise UserError(f"the data set is not the one that {self.directory} was trained on: it has changed.")
        return found

    def draws(
        self, n: int, seed: int, label: Label = None, temperature: float = 1.0, truncation: float | None = None
    ) -> "Iterator[Codes]":
        """Codes of new images, batch by batch, with their classes; see `sample`."""
        self.require("sample")
        if (temperature, truncation) != (1, None) and not self._draws_normal_noise():
            raise UserError(
                f"temperature and truncation change normal noise, and {type(self.strategy).__name__} draws none: "
                "leave them out."
            )
        return self.sampler.draws(self.in_turn(label, n), seed, temperature, truncation)

    def codes(self, split: Split, count: int, units: Spec | None = None) -> "Iterator[Codes]":
        """Codes of the first examples of a split, batch by batch; units: what their values mean, if not the run's."""
        from genctl.data.sources import Streamed

        return self.sampler.encoded(Streamed(split), count, units)

    def images(self, codes: "Iterable[Codes]") -> Iterator[np.ndarray]:
        """Images of codes, batch by batch."""
        return map(self.spec.to_stored, self.sampler.decoded(codes))

    def with_labels(self, codes: np.ndarray, label: Label = None) -> "Iterator[Codes]":
        """Codes in batches with their classes. Raises UserError where they are not this run's."""
        from genctl.sampling import batches

        codes, width = np.asarray(codes), self.strategy.code_dim
        if codes.ndim != 2 or codes.shape[1] != width or codes.dtype.kind not in "fiu":
            raise UserError(
                f"codes of shape {codes.shape} and type {codes.dtype}: this run's have (n, {width}) numbers."
            )
        return batches(codes.astype(np.float32), self.weights(self.classes(label, len(codes))))

    def weights(self, classes: np.ndarray) -> np.ndarray:
        """Classes given by number (n,) as the weights of each class, float32 (n, label_dim)."""
        return (classes[:, None] == np.arange(self.strategy.label_dim)).astype(np.float32)

    def classes(self, label: Label, count: int) -> np.ndarray:
        """Numbers of the classes of `count` examples, (count,); 0 where the run takes none."""
        if label is None and self.strategy.label_dim:
            raise UserError("this run is class-conditional: give label=…, one class for all or one for each image.")
        if label is None:
            return np.zeros(count, np.int64)
        numbers = self._numbers(label)
        if len(numbers) not in (1, count):
            raise UserError(f"there are {len(numbers)} labels for {count} examples: give one for all, or one for each.")
        return np.resize(numbers, count)

    def in_turn(self, label: Label, count: int) -> np.ndarray:
        """Numbers of the classes of `count` samples: those that `label` names in turn, or all."""
        return self.sampler.classes(count, None if label is None else self._numbers(label))

    def names(self, classes: np.ndarray) -> np.ndarray | None:
        """Names of classes; None where the run takes none."""
        return np.asarray(self.spec.class_names)[classes] if self.strategy.label_dim else None

    def label(self, name: str | int) -> int:
        """The number of a class given by name or number. Raises UserError for one that the run does not know."""
        names = self.spec.class_names
        if not self.strategy.label_dim:
            raise UserError(f"label={name}: this run is not class-conditional; train one with model.conditional=true.")
        if str(name) in names:
            return names.index(str(name))
        if isinstance(name, int) and 0 <= name < len(names):
            return name
        raise UserError(
            f"label={name} is not a class: choose one of {', '.join(names)}.{did_you_mean(str(name), names)}"
        )

    def _all_images(self, codes: "Iterable[Codes]") -> np.ndarray:
        return np.concatenate(list(self.images(codes)))

    def _numbers(self, label: Label) -> list[int]:
        return [self.label(name) for name in np.atleast_1d(np.asarray(label)).tolist()]

    def rates(self, split: Split, count: int, units: Spec) -> np.ndarray:
        """The mean KL divergence of each number of a code, in nats, over the first examples of a split."""
        from genctl.data.sources import Streamed

        return self.sampler.rates(Streamed(split), count, units)

    def _encoded(self, images: np.ndarray, label: Label) -> "Iterator[Codes]":
        images, units = self.spec.readable(np.asarray(images))
        examples = Examples(images, self.classes(label, len(images)).astype(np.int32))
        split = Split("given", examples, np.arange(len(images)))
        return self.codes(split, split.size, units)

    def _draws_normal_noise(self) -> bool:
        from genctl.context import Noise

        label = np.zeros((1, self.strategy.label_dim), np.float32)
        cold, warm = (self.strategy.draw(label, Noise(0, scale=scale)).numpy() for scale in (0.0, 1.0))
        return bool((cold != warm).any())


def load(run: str | Path, checkpoint: str | int = "latest", trust: Sequence[str] = ()) -> Trained:
    """Load a run at its checkpoint latest, best or of a step."""
    directory = rundir.existing(str(run))
    config, spec = rundir.read_config(directory), rundir.read_spec(directory)
    stored = checkpoints.find(directory / "checkpoints", str(checkpoint))
    from genctl import device  # TensorFlow starts here, after all that can be refused without it

    with _callers_settings(), device.use("auto"):
        strategy = restored(directory, stored, trust)
        for player in strategy.players.values():
            player.take_average()
    return Trained(directory, config, spec, strategy, stored.facts["step"])


def restored(directory: Path, stored: checkpoints.Checkpoint, trust: Sequence[str]) -> "Strategy":
    """A run's strategy as one of its checkpoints has it."""
    from genctl import state

    strategy = build.strategy(rundir.read_config(directory), rundir.read_spec(directory), trust)
    state.restore(strategy, stored.arrays)
    strategy.prior = priors.load(directory, stored.facts["step"])
    return strategy


@contextlib.contextmanager
def trained(run: str, checkpoint: str | int, trust: Sequence[str]) -> Iterator[Trained]:
    """Load a run for a verb: libraries' chatter is kept off the terminal."""
    with quiet():
        yield load(run, checkpoint, trust)


@contextlib.contextmanager
def _callers_settings() -> Iterator[None]:
    """Give back the precision and the random states that building networks sets for the whole process."""
    import keras

    policy, python, numpy = keras.config.dtype_policy(), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        random.setstate(python)
        np.random.set_state(numpy)


def joined(batches: "Iterable[Codes]") -> "Codes":
    """Batches of codes with their classes as one."""
    codes, classes = zip(*batches, strict=True)
    return np.concatenate(codes), np.concatenate(classes)
