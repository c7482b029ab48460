"""A run that exists, loaded from its directory alone: what `genctl.load` returns, and what the verbs use."""

import contextlib
import dataclasses
import functools
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genctl.config.families import families
from genctl.config.moved import NOT_MOVED, MovedData, with_data_at
from genctl.data.dataset import Dataset
from genctl.data.examples import Examples, Split
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.runs import build, records, rundir
from genctl.runs import checkpoint as checkpoints
from genctl.runs.classes import Classes, Label
from genctl.runs.versions import require_known
from genctl.strategies.parts import priors

if TYPE_CHECKING:
    from genctl.runs.sampler import Codes, Sampler
    from genctl.strategies.parts.strategy import Strategy


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run's directory, config, shapes and restored strategy; `step` says how far it was trained.

    Images (n, h, w, c) and vectors (n, d) are in the data's own numbers (spec.low to spec.high), codes float32
    (n, code_dim). `label` is for class-conditional runs alone. Where running averages of weights are kept, the networks
    have these.
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

    @property
    def classes(self) -> Classes:
        """The classes that `label` may name."""
        return Classes(self.spec.class_names, bool(self.strategy.label_dim))

    @functools.cached_property
    def sampler(self) -> "Sampler":
        """What computes codes and images batch by batch."""
        from genctl.runs.sampler import Sampler

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
            data = build.dataset(self.config, trust)
        except UserError as error:
            raise UserError(
                f"the data set of {self.directory} cannot be had: {error} If it was moved, say where it is now with "
                "dataset.path=…"
            ) from error
        data.spec = dataclasses.replace(data.spec, name=self.spec.name)  # the same under another name is the same
        provenance = records.read_provenance(self.directory)
        if data.spec != self.spec or (provenance and provenance.data.fingerprint != data.fingerprint):
            raise UserError(f"the data set is not the one that {self.directory} was trained on: it has changed.")
        return data

    def draws(
        self, n: int, seed: int, label: Label = None, temperature: float = 1.0, truncation: float | None = None
    ) -> "Iterator[Codes]":
        """Codes of new images, batch by batch, with their classes; see `sample`.

        Raises UserError where the run has no noise to change.
        """
        self.require("sample")
        if (temperature, truncation) != (1, None) and not self._draws_normal_noise():
            raise UserError(
                f"temperature and truncation change normal noise, and {type(self.strategy).__name__} draws none: "
                "leave them out."
            )
        return self.sampler.draws(self.classes.in_turn(label, n), seed, temperature, truncation)

    def codes(self, split: Split, count: int) -> "Iterator[Codes]":
        """Codes of the first examples of a split, batch by batch."""
        from genctl.data.batches import Streamed

        return self.sampler.encoded(Streamed(split), count)

    def images(self, codes: "Iterable[Codes]") -> Iterator[np.ndarray]:
        """Images of codes, batch by batch. Raises UserError where the networks give numbers that are not finite."""
        for batch in self.sampler.decoded(codes):
            if not np.isfinite(batch).all():
                raise UserError("the images hold NaN or infinite values: the codes are too far from those of training.")
            yield self.spec.to_own(batch)

    def with_labels(self, codes: np.ndarray, label: Label = None) -> "Iterator[Codes]":
        """Codes in batches with their classes. Raises UserError where they are not this run's."""
        from genctl.runs.sampler import batches

        codes, width = np.asarray(codes), self.strategy.code_dim
        if codes.ndim != 2 or codes.shape[1] != width or codes.dtype.kind not in "fiu" or not len(codes):
            raise UserError(f"codes of {codes.dtype} {codes.shape}: this run's are (n, {width}) numbers, n at least 1.")
        if not np.isfinite(codes.astype(np.float32)).all():
            raise UserError("codes hold NaN or infinite values: leave these out.")
        return batches(codes.astype(np.float32), self.classes.weights(self.classes.of(label, len(codes))))

    def _all_images(self, codes: "Iterable[Codes]") -> np.ndarray:
        return np.concatenate(list(self.images(codes)))

    def _encoded(self, images: np.ndarray, label: Label) -> "Iterator[Codes]":
        images = self.spec.readable(np.asarray(images))
        examples = Examples(images, self.classes.of(label, len(images)).astype(np.int32))
        split = Split("given", examples, np.arange(len(images)))
        return self.codes(split, split.size)

    def _draws_normal_noise(self) -> bool:
        from genctl.compute.context import Noise

        label = np.zeros((1, self.strategy.label_dim), np.float32)
        cold, warm = (self.strategy.draw(label, Noise(0, scale=scale)).numpy() for scale in (0.0, 1.0))
        return bool((cold != warm).any())


def load(
    run: str | Path,
    checkpoint: str | int = "latest",
    trust: Sequence[str] = (),
    moved: MovedData = NOT_MOVED,
) -> Trained:
    """Load a run at its checkpoint latest, best or of a step. moved: where its data are now (see moved.py)."""
    directory = rundir.existing(str(run))
    config = records.read_config(directory)
    require_known(directory, config)
    config = with_data_at(config, moved)
    from genctl.compute import device

    with _callers_settings(), device.use("auto"):
        strategy, stored = restored(directory, checkpoint, trust)
        for player in strategy.players.values():
            player.take_average()
    return Trained(directory, config, strategy.spec, strategy, stored.facts["step"])


def restored(directory: Path, which: str | int, trust: Sequence[str]) -> "tuple[Strategy, checkpoints.Checkpoint]":
    """A run's strategy as its checkpoint latest, best or of a step has it, and this checkpoint."""
    from genctl.runs import state

    config, spec = records.read_config(directory), records.read_spec(directory)
    require_known(directory, config)
    build.check_unused(config, trust)
    stored = checkpoints.find(directory / "checkpoints", str(which))
    strategy = build.strategy(config, spec, trust)
    state.restore(strategy, stored.arrays)
    strategy.prior = priors.load(directory, stored.facts["step"], strategy.code_dim, strategy.label_dim)
    return strategy, stored


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
