"""A run: the step counter, the compiled program that moves it, and all state that a checkpoint holds."""

import collections
import dataclasses
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from genctl.compute.context import Noise, StepContext
from genctl.compute.device import peak_memory_mib
from genctl.compute.failures import explained
from genctl.data.augment import augmenter
from genctl.data.batches import CALL, Resident, Streamed
from genctl.data.dataset import Dataset
from genctl.data.order import Order
from genctl.errors import NonFinite
from genctl.runs import checkpoint, state
from genctl.runs.board import Board
from genctl.runs.journal import Journal
from genctl.runs.sampler import Sampler
from genctl.runs.state import LOGS
from genctl.strategies.parts.strategy import Strategy
from genctl.training import program
from genctl.training.averages import Averages
from genctl.training.engine import Engine, sizes
from genctl.training.health import Health
from genctl.training.monitor import Monitor
from genctl.training.trainer import Trainer

log = logging.getLogger("genctl")


class Run:
    """The record that the loop and its callbacks share.

    step: how many steps are done. total: how many there are to be. images_per_second: over the steps since the start of
    this process, without compilation.
    """

    def __init__(
        self,
        strategy: Strategy,
        dataset: Dataset,
        directory: Path,
        trainer: Trainer,
        engine: Engine,
        *,
        total: int,
        seed: int,
        monitor: Monitor,
    ) -> None:
        self.strategy, self.dataset, self.directory = strategy, dataset, directory
        self.trainer, self.engine, self.total, self.seed = trainer, engine, total, seed
        self.monitor = monitor
        self.step = 0
        self.rollbacks = 0  # how often the run went back from a loss that was not finite
        source = Resident if engine.resident else Streamed
        self.train, self.validation = source(dataset.split("train")), source(dataset.split("validation"))
        self.order = Order(self.train.size, trainer.examples_per_step(strategy), seed)
        self.averages: dict[str, Averages] = collections.defaultdict(Averages)
        self.journal, self.board = Journal(directory / "metrics.jsonl"), Board(directory)
        self.sampler, self.health = Sampler(strategy), Health()
        self.latest: dict[str, dict[str, float]] = {}  # the newest metrics by split
        self.ended = False  # what is measured after the last step is not part of a run that continues
        self.pace = 0.0  # steps a second in the newest call; 0 after a call that compiled
        self.steps_here, self.began = 0, time.monotonic()  # steps of this process, and when it began
        self._timed_steps, self._timed_seconds = 0, 0.0
        self._programs: dict[str, Any] = {}

    @property
    def best(self) -> dict[str, Any] | None:
        """Step, metric and value of the best that the monitor has seen."""
        return self.monitor.best

    @property
    def complete(self) -> bool:
        """Whether no step is left to take: all are done, or the monitor waited in vain."""
        return self.step >= self.total or self.monitor.exhausted

    @property
    def phase(self) -> str:
        """The phase that the next step belongs to."""
        return self.strategy.phase(self.step)

    @property
    def phase_done(self) -> str:
        """The phase of the newest step, whatever comes after it."""
        return self.strategy.phase(max(self.step - 1, 0))

    @property
    def images_per_second(self) -> float:
        """Training speed so far; 0 before it is known."""
        return self.order.batch_size * self._timed_steps / self._timed_seconds if self._timed_steps else 0.0

    def advance(self, due: int) -> None:
        """Train towards step `due` of this phase, where callbacks look at the run, for a second. Raises NonFinite."""
        phase, fresh = self.phase, self.phase not in self._programs
        averages, context = self.averages[phase], self.context(phase)
        compiled = program.training(self.strategy, self.train, averages, context, self.engine.xla)
        run = self._programs.setdefault(phase, compiled)
        count = min(due - self.step, max(1, int(self.pace)), CALL)
        inputs, first = self.train.inputs(self.order, self.step, count), tf.constant(self.step, tf.int64)
        began = time.perf_counter()
        advice = " With trainer.xla=false, under another name=…, it may be." if self.engine.xla else ""
        with explained(f"training after step {self.step} (phase {phase})", self._sizes, advice):
            done, healthy = map(int, run(inputs, first, tf.constant(count), tf.constant(due, tf.int64)))
        self._time(0 if fresh else done, time.perf_counter() - began)
        self.step, self.steps_here = self.step + done, self.steps_here + done
        averages.count += done
        if not healthy:
            names = ", ".join(averages.broken())
            raise NonFinite(
                f"{names} is not finite at step {self.step} (phase {phase}). Checkpoints before it are good: try a "
                "smaller optimizer.learning_rate or optimizer.clip_norm=1 under another name=…, or "
                "trainer.on_nan=rollback."
            )

    def _time(self, steps: int, seconds: float) -> None:
        self.pace = steps / seconds
        if steps:
            self._timed_steps, self._timed_seconds = self._timed_steps + steps, self._timed_seconds + seconds

    def context(self, phase: str) -> StepContext:
        """What the steps of a phase have in common."""
        noise = Noise(self.seed, purpose=f"train{self.rollbacks or ''}", shared=self.engine.devices > 1)
        factor = self.trainer.rollback_factor**self.rollbacks
        span, augment = self.strategy.span(phase, self.total), augmenter(self.dataset.augment, self.dataset.spec)
        return StepContext(0, phase, noise, span, self.trainer.batch_size, factor, augment)

    def validate(self) -> dict[str, float]:
        """Means of the strategy's evaluation over the validation split, with running averages of weights where kept."""
        phase, data = self.phase_done, self.validation
        context = StepContext(0, phase, Noise(self.seed, purpose="validation"), self.strategy.span(phase, self.total))
        evaluate = self._programs.setdefault(f"validation/{phase}", program.validation(self.strategy, data, context))
        sums: dict[str, float] = collections.defaultdict(float)
        newest = tf.constant(max(self.step - 1, 0), tf.int64)  # what is scheduled has the value of the newest step
        with self.strategy.averaged(), explained(f"validation after step {self.step} (phase {phase})", self._sizes):
            for first in range(0, data.size, self.trainer.batch_size):
                last = min(first + self.trainer.batch_size, data.size)
                logs = evaluate(data.take(tf.range(first, last)), tf.constant(first, tf.int64), newest)
                for log, value in logs.items():
                    sums[log] += float(value) * (last - first)
        return {log: value / data.size for log, value in sums.items()}

    def _sizes(self) -> str:
        return sizes(self.trainer, self.strategy)

    def memory(self) -> dict[str, float]:
        """Peak memory so far, in MiB."""
        return peak_memory_mib(self.engine.device)

    def conclude(self) -> None:
        """Say that no step follows in this process."""
        self.ended = True
        self.journal.seal()

    def save(self) -> None:
        """Write a checkpoint of this moment, unless another process does. Raises NonFinite for broken weights."""
        if not self.engine.writes:
            return
        arrays = {name: variable.numpy() for name, variable in self.state().items()}
        if broken := [
            name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()
        ]:
            raise NonFinite(f"{broken[0]} is not finite after step {self.step}: the checkpoint before it is kept.")
        checkpoint.save(self.directory / "checkpoints", self.step, arrays, self.facts())

    def state(self) -> dict[str, Any]:
        """Every variable of the run by name."""
        averages = self.averages[self.phase_done]
        logs = {} if averages.sums is None else {LOGS + self.phase_done: averages.sums}
        return state.variables(self.strategy) | logs

    def facts(self) -> checkpoint.Facts:
        """What a checkpoint holds beside the variables."""
        averages = self.averages[self.phase_done]
        return {
            "step": self.step,
            "total": self.total,
            "phase": self.phase_done,
            "log_names": averages.names,
            "log_count": averages.count,
            "metrics_bytes": self.journal.size(),
            "latest": self.latest,
            "best": self.best,
            "waited": self.monitor.waited,
            "rollbacks": self.rollbacks,
            "health": dataclasses.asdict(self.health),
        }

    def restore(self, arrays: Mapping[str, np.ndarray], facts: checkpoint.Facts) -> None:
        """Go back to the moment of a checkpoint."""
        state.restore(self.strategy, arrays)
        if (sums := arrays.get(LOGS + facts["phase"])) is not None:
            self.averages[facts["phase"]].restore(list(facts["log_names"]), sums, facts["log_count"])
        self.step, self.latest = facts["step"], dict(facts["latest"])
        self.monitor.best, self.monitor.waited = facts["best"], facts["waited"]
        self.rollbacks, self.health = facts["rollbacks"], Health(**facts["health"])
        self.journal.truncate(facts["metrics_bytes"])
        self.board.begin(self.step)

    def roll_back(self, error: NonFinite) -> None:
        """Go back to the last good checkpoint with other noise; raise the error again where that is not wanted."""
        stored = checkpoint.newest(self.directory / "checkpoints")
        if self.trainer.on_nan == "stop" or self.rollbacks >= self.trainer.rollbacks or stored is None:
            raise error
        rollbacks = self.rollbacks + 1
        self.averages.clear()
        self._programs.clear()  # noise and learning rates are compiled into them
        self.restore(stored.arrays, stored.facts)
        self.rollbacks = rollbacks
        log.warning("%s Going back to step %d (%d of %d).", error, self.step, rollbacks, self.trainer.rollbacks)
