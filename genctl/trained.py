"""A run that exists, loaded from its directory alone."""

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genctl import build, checkpoint, rundir
from genctl.data.base import Dataset
from genctl.data.spec import Spec
from genctl.errors import UserError, did_you_mean
from genctl.terminal import Output, quiet

if TYPE_CHECKING:
    from genctl.strategies.base import Strategy

log = logging.getLogger("genctl")


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run's directory, config, shapes and restored strategy; `step` says how far it was trained."""

    directory: Path
    config: dict[str, Any]
    spec: Spec
    strategy: "Strategy"
    step: int
    output: Output

    def require(self, ability: str) -> None:
        """Raise UserError where this family cannot do that."""
        if not self.strategy.can(ability):
            raise UserError(f"{type(self.strategy).__name__} cannot {ability} (run={self.directory}).")

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

    def label(self, name: str | int | None) -> int | None:
        """The number of a class given by name or number. Raises UserError for one that the run does not know."""
        if name is None:
            return None
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


@contextmanager
def trained(run: str, which: str | int, trust: Sequence[str]) -> Iterator[Trained]:
    """Load a run at its checkpoint latest, best or of a step; libraries' chatter is kept off the terminal."""
    directory = rundir.existing(run)
    config = rundir.read_config(directory)
    with quiet() as output:
        from genctl import device

        with device.use("auto"):
            strategy, stored = restored(directory, which, trust)
            yield Trained(directory, config, strategy.spec, strategy, stored.facts["step"], output)


def restored(directory: Path, which: str | int, trust: Sequence[str]) -> "tuple[Strategy, checkpoint.Checkpoint]":
    """A run's strategy as its checkpoint latest, best or of a step has it, and this checkpoint."""
    from genctl import state

    config, spec = rundir.read_config(directory), rundir.read_spec(directory)
    stored = checkpoint.find(directory / "checkpoints", str(which))
    strategy = build.strategy(config, spec, trust)
    state.restore(strategy, stored.arrays)
    return strategy, stored
