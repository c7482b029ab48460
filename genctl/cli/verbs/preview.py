"""`genctl train … dry_run=true`: what a run would be and take. A few of its steps are tried, and nothing is kept."""

import logging
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from genctl.cli.terminal import quiet
from genctl.compute.memory import amount
from genctl.config.invocation import Invocation
from genctl.errors import UserError
from genctl.sweeps.view import duration
from genctl.training import courses, rehearsal, report
from genctl.training.plan import plan as make_plan
from genctl.training.prepared import prepared

if TYPE_CHECKING:
    from genctl.training.rehearsal import Rehearsed
    from genctl.training.run import Run

log = logging.getLogger("genctl")


def preview(config: Mapping[str, Any], invocation: Invocation) -> None:
    """Show networks, memory, phases with their learning rates, and time. Raises UserError as the training would."""
    if config["trainer"].get("workers"):
        raise UserError("dry_run=true tries a run in one process: leave trainer.workers out.")
    with quiet() as output, tempfile.TemporaryDirectory() as place:
        plan = make_plan(config, invocation.trust)
        with prepared(config, plan, invocation.trust) as parts:
            from genctl.runs.pretrained import adopt

            if parts.strategy.pretrained:
                adopt(parts.strategy, parts.strategy.pretrained)
            run = parts.run(Path(place), config["seed"])
            try:
                report.introduce_data(run)
                output.console.print(_networks(run))
                report.introduce_device(run)
                log.info("trying a few steps of each phase")
                tried = list(rehearsal.rehearse(run))
                callbacks = rehearsal.turns(run, plan.callbacks)
                weights = courses.weights(config, run.strategy, run.total)
                for line in (*_phases(run, tried), *weights, *_memory(run), *_time(run, tried, callbacks)):
                    log.info("%s", line)
                report.warn_of_phases(run)
                log.info("nothing is kept, since dry_run=true")
            finally:
                run.board.close()


def _networks(run: "Run") -> Table:
    table = Table("network", "shapes of an example on its way", "parameters")
    for role, network in run.strategy.networks.items():
        table.add_row(role, " > ".join(_way(network)), f"{network.count_params():,}")
    return table


def _way(network: Any) -> Iterator[str]:
    """The shapes of what a network takes and of what its layers give, without repetitions; 8x8x1 of an image."""
    import keras

    before = None
    for layer in network.layers:
        for tensor in keras.tree.flatten(layer.output):
            shape = "x".join("?" if size is None else str(size) for size in tensor.shape[1:])
            if shape != before:
                yield shape
            before = shape


def _phases(run: "Run", tried: Sequence["Rehearsed"]) -> Iterator[str]:
    """Say of each phase how long it is, and who learns in it how fast."""
    for one in tried:
        stretch = one.stretch
        yield f"phase {stretch.phase}: {stretch.end - stretch.first:,} steps, {duration(one.seconds)}"
        for name in one.players:
            rate = run.strategy.players[name].optimizer.learning_rate
            shown = courses.course(rate, run.strategy, run.total, stretch.first, stretch.end)
            yield f"  learning rate of {name}: {shown}"


def _memory(run: "Run") -> Iterator[str]:
    """Say what the run keeps at least, and what this trial of it took."""
    from genctl.compute.device import free_memory
    from genctl.runs import state
    from genctl.training.engine import kept_bytes

    networks, players = run.strategy.networks.values(), run.strategy.players.values()
    parts = {
        "weights and optimizers": _bytes(state.variables(run.strategy).values()),
        "gradients": max(_bytes(player.weights) for player in players),
        "a batch on its way": sum(kept_bytes(run.trainer, network) for network in networks),
        "data": run.train.bytes + run.validation.bytes if run.engine.resident else 0,
    }
    yield f"memory: at least {amount(sum(parts.values()))} on the device, where {amount(free_memory())} are free"
    yield f"  {', '.join(f'{name} {amount(count)}' for name, count in parts.items())}"
    peaks = ", ".join(f"{name.split('_')[0]} {amount(round(mib * 2**20))}" for name, mib in run.memory().items())
    yield f"  this trial at its peak, with what TensorFlow takes: {peaks}"


def _time(run: "Run", tried: Sequence["Rehearsed"], callbacks: float) -> Iterator[str]:
    """Say how long the run takes, where callbacks take so many seconds."""
    start, steps = sum(one.start for one in tried), sum(one.seconds - one.start for one in tried)
    yield f"time: about {duration(start + steps + callbacks)}, from the beginning"
    between = f"{duration(callbacks)} for validation, pictures and checkpoints"
    yield f"  {duration(steps)} for {run.total:,} steps, {duration(start)} to compile, {between}"


def _bytes(variables: Any) -> int:
    import tensorflow as tf

    return sum(math.prod(one.shape) * tf.as_dtype(one.dtype).size for one in variables)
