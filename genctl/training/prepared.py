"""A plan and its model, checked against each other on the device that the run uses."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genctl.runs import build
from genctl.runs.build import Config
from genctl.training.monitor import Monitor, monitor
from genctl.training.plan import Plan

if TYPE_CHECKING:
    from genctl.strategies.parts.strategy import Strategy
    from genctl.training.run import Run


@dataclasses.dataclass(frozen=True)
class Prepared:
    """All of a run but its directory. place: TensorFlow's name of the device. total: steps that there are to be."""

    plan: Plan
    strategy: "Strategy"
    place: str
    watch: Monitor
    total: int

    def run(self, directory: Path, seed: int) -> "Run":
        """The run at its beginning, in its directory."""
        from genctl.training.engine import engine
        from genctl.training.run import Run

        data, trainer = self.plan.dataset, self.plan.trainer
        how = engine(directory, trainer, data, self.strategy, self.place)
        return Run(self.strategy, data, directory, trainer, how, total=self.total, seed=seed, monitor=self.watch)


@contextlib.contextmanager
def prepared(config: Config, plan: Plan, trust: Sequence[str]) -> Iterator[Prepared]:
    """Build the model; within the block, everything is on the run's device. Raises UserError for the first mistake."""
    # TensorFlow starts here, after all that can be refused without it.
    from genctl.compute import device
    from genctl.training.engine import check_devices, check_size

    how = plan.trainer
    with device.use(how.device, how.devices, how.workers, how.wait_seconds) as place:
        strategy = build.strategy(config, plan.dataset.spec, trust)
        check_devices(how, strategy)
        check_size(how, strategy)
        watch = monitor(how, strategy, plan.callbacks)
        yield Prepared(plan, strategy, place, watch, how.total_steps(plan.dataset.sizes["train"], strategy))
