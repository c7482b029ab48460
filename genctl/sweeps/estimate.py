"""What a sweep is going to take: as its finished trials took, or as short ones do that are made for that."""

import contextlib
import dataclasses
import logging
import os
import signal
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genctl.compute.memory import amount
from genctl.errors import first_few
from genctl.runs import records, rundir
from genctl.sweeps import slots, states
from genctl.sweeps.definition import Sweep, Trial
from genctl.sweeps.local import Train
from genctl.sweeps.slots import Process, Slot
from genctl.sweeps.view import duration

SHORT = 200  # steps of a trial that is made for an estimate
LONGEST = 60.0  # seconds after which it is stopped
MOST = 4  # of those
REPEATS = ("seed", "dataset.fold", "outputs", "name")  # settings that change nothing in what a trial takes
log = logging.getLogger("genctl")


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one whole trial takes: seconds, and bytes on the disk when it is finished."""

    seconds: float
    bytes: int


def estimate(
    sweep: Sweep,
    trials: Sequence[Trial],
    size: int,
    finished: Sequence[Trial],
    jobs: int,
    measure: Callable[[Trial], Cost | None],
) -> Iterator[str]:
    """Say what trials that are not finished take, so many at a time, and what tells that.

    trials: all, or of a search some, which stand for all that there are to be, which are `size`; measure: makes a short
    trial; None where that does not work.
    """
    left, count = [trial for trial in trials if trial not in finished], size - len(finished)
    costs: dict[tuple[str, ...], Cost | None] = {**_of_finished(sweep, finished)}
    tried: list[str] = []
    for trial in left:
        if kind(trial) not in costs and len(tried) < MOST:
            costs[kind(trial)] = measure(trial)
            tried.append(trial.name)
    known = [cost for cost in costs.values() if cost]
    if not left or not known or count <= 0:
        return
    taken = [costs.get(kind(trial)) or _mean(known) for trial in left]
    seconds = count * _mean(taken).seconds / min(jobs, count)
    disk = amount(count * _mean(taken).bytes)
    whole = f"{count} trials from their beginning, {jobs} at a time"
    yield f"estimate: {duration(seconds)} and {disk} of disk for {whole}"
    if finished:
        yield f"  by {len(finished)} trials that are finished"
    if tried:
        yield f"  by {first_few(tried)}, whose first steps were tried just now, alone and in a temporary directory"
    if others := sum(not costs.get(kind(trial)) for trial in left):
        yield f"  {others} trials have other networks, data or lengths than those: for them it is the mean"


def kind(trial: Trial) -> tuple[str, ...]:
    """Equal for trials that take about the same: seeds and numbers with a fraction, such as rates, change little."""
    return tuple(word for word in trial.words if not _changes_little(*word.split("=", 1)))


def _changes_little(key: str, value: str = "") -> bool:
    if key.startswith("trainer."):  # lengths
        return False
    with contextlib.suppress(ValueError):
        return key in REPEATS or not float(value).is_integer()
    return key in REPEATS


def _of_finished(sweep: Sweep, finished: Sequence[Trial]) -> dict[tuple[str, ...], Cost]:
    found = defaultdict(list)
    for trial in finished:
        place = sweep.place(trial)
        summary, origin = records.read_summary(place), records.read_provenance(place)
        if summary and origin and len(origin.sessions) == 1:  # the seconds of a continued one are of its last part
            found[kind(trial)].append(Cost(summary.seconds, rundir.size(place)))
    return {one: _mean(costs) for one, costs in found.items()}


def _mean(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.mean(cost.seconds for cost in costs), round(statistics.mean(cost.bytes for cost in costs)))


def short_trial(trial: Trial, config: Mapping[str, Any], examples: int, train: Train, slot: Slot) -> Cost | None:
    """Do SHORT steps of a trial, with all that comes between them as often as in the whole trial.

    config: the trial's; examples: those it trains on. Returns None where no step was timed.
    """
    total = _steps(config, examples)
    with tempfile.TemporaryDirectory() as place:
        words = [*trial.words, *_shortened(config, total), f"outputs='{place}'", "name=x", *trial.flags]
        output = Path(place) / "output"
        slots.start(len, (), slot, output).join()  # imports TensorFlow, for which the others need not wait
        began = time.monotonic()
        _finish(slots.start(train, words, slot, output))
        seconds = time.monotonic() - began
        summary = records.read_summary(Path(place) / "x") if (Path(place) / "x").is_dir() else None
        if not summary or not summary.images_per_second:
            log.info("no estimate by %s: %s", trial.name, states.reason(1, output))
            return None
        at_once = config["trainer"]["batch_size"] * config["model"].get("n_critic", 1)
        more = max(0, total - summary.steps) * at_once / summary.images_per_second
        return Cost(seconds + more, rundir.size(Path(place) / "x"))


def _steps(config: Mapping[str, Any], examples: int) -> int:
    trainer = config["trainer"]
    if trainer["epochs"] is not None:
        return max(1, round(trainer["epochs"] * examples / trainer["batch_size"]))
    return int(trainer["steps"] or sum(_phases(config).values()))


def _shortened(config: Mapping[str, Any], total: int) -> list[str]:
    """Settings for fewer steps in which as many callbacks have their turn, so that as many files are written."""
    part = min(1.0, SHORT / total)
    words = [f"model.phases.{name}={max(1, round(count * part))}" for name, count in _phases(config).items()]
    if config["trainer"]["steps"] is not None or config["trainer"]["epochs"] is not None:
        words += ["trainer.epochs=null", f"trainer.steps={round(total * part)}"]
    for name, callback in config["callbacks"].items():
        if every := callback.get("every_steps"):
            words.append(f"callbacks.{name}.every_steps={max(1, round(every * part))}")
    return words


def _phases(config: Mapping[str, Any]) -> Mapping[str, int]:
    return config["model"].get("phases") or {}


def _finish(process: Process) -> None:
    """Wait for a process, and ask it to stop when it takes too long or nobody waits for it any more."""
    try:
        process.join(LONGEST)
    finally:
        with contextlib.suppress(ProcessLookupError):
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGTERM)
        process.join()
