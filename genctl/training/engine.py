"""How a run computes: what `auto` settings mean here, decided once, since the bits of the results depend on it."""

import dataclasses
import logging
from pathlib import Path
from typing import Any, TypedDict

import keras
import psutil
import tensorflow as tf

from genctl.compute.compiled import compiled
from genctl.compute.device import free_memory, memory_limit
from genctl.compute.memory import amount
from genctl.compute.parallel import count, worker
from genctl.config import files
from genctl.config.signatures import check_settings, check_value
from genctl.data.dataset import Dataset
from genctl.errors import UserError
from genctl.networks.sizes import kept_numbers
from genctl.runs import rundir
from genctl.strategies.parts.strategy import Strategy
from genctl.training.trainer import Trainer

log = logging.getLogger("genctl")


class Choices(TypedDict):
    """What engine.json keeps of an Engine."""

    resident: bool
    xla: bool


@dataclasses.dataclass(frozen=True)
class Engine:
    """device: TensorFlow's name. resident: the data are kept on it. xla: steps are compiled with XLA.

    devices: how many share every batch. writes: this is the process that writes the run, where there are several.
    """

    device: str
    devices: int
    writes: bool
    resident: bool
    xla: bool


def engine(directory: Path, trainer: Trainer, dataset: Dataset, strategy: Strategy, device: str) -> Engine:
    """What the run in this directory was begun with, or what suits it; stored there."""
    path = directory / rundir.ENGINE
    if path.exists():
        return Engine(device, count(), worker() == 0, **_read(path))
    resident = _fits(dataset, device) if trainer.resident == "auto" else trainer.resident
    xla = suits_xla(strategy, device, resident) if trainer.xla == "auto" else trainer.xla
    rundir.write_json(path, {"resident": resident, "xla": xla})
    return Engine(device, count(), worker() == 0, resident, xla)


def _read(path: Path) -> Choices:
    """Raises UserError for a file that genctl would not have written."""
    try:
        stored = files.read_json(path)
        check_value(stored, dict[str, Any], str(path))
        check_settings(Choices, stored, str(path))
    except UserError as error:
        problem = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise UserError(
            f"{problem} Delete the file, and what suits this machine is chosen anew, with other last bits perhaps."
        ) from error
    return Choices(resident=stored["resident"], xla=stored["xla"])


def check_size(trainer: Trainer, strategy: Strategy) -> None:
    """Refuse a batch that no memory holds, and a run of no step. Raises UserError."""
    _check_length(trainer, strategy)
    for role, network in strategy.networks.items():
        needed, free = kept_bytes(trainer, network), free_memory()
        if needed > free:
            raise UserError(
                f"{role}: a step of training keeps {amount(needed)} of what its layers give for trainer.batch_size="
                f"{trainer.batch_size}, but {amount(free)} of memory are free: make one of them smaller."
            )


def kept_bytes(trainer: Trainer, network: keras.Model) -> int:
    """What a step keeps at least on each device of what the layers of a network give, until the way back."""
    size = tf.as_dtype(keras.config.dtype_policy().compute_dtype).size
    return trainer.batch_size // count() * kept_numbers(network) * size


def sizes(trainer: Trainer, strategy: Strategy) -> str:
    """What may have been too large, and what to do, for the message of a run that found no memory."""
    counts = {role: network.count_params() for role, network in strategy.networks.items()}
    weights = ", ".join(f"{role} {count:,}" for role, count in counts.items())
    return (
        f"the weights are {weights}; trainer.batch_size={trainer.batch_size}; {amount(free_memory())} are free. Make "
        "the batch or the networks smaller, under another name=…"
    )


def _check_length(trainer: Trainer, strategy: Strategy) -> None:
    """Refuse a run without steps, or with fewer than an update takes; of one in epochs that is not known yet."""
    if trainer.epochs is not None:
        return
    total = trainer.total_steps(0, strategy)
    for player in strategy.players.values():
        if player.optimizer.accumulate > total:
            raise UserError(
                f"optimizer.accumulate={player.optimizer.accumulate}: no weight would move in the {total} steps of "
                "this run: use a smaller number, or more steps."
            )


def check_devices(trainer: Trainer, strategy: Strategy) -> None:
    """Refuse what several devices cannot do. Raises UserError."""
    if count() == 1:
        return
    place = f"trainer.devices={count()}"
    if trainer.batch_size % count():
        raise UserError(f"{place} cannot share trainer.batch_size={trainer.batch_size} evenly: choose a multiple.")
    if trainer.xla is True:
        raise UserError(f"{place} does not work with XLA: use trainer.xla=auto.")
    if any(player.sums or player.scale for player in strategy.players.values()):
        raise UserError(f"{place} does not work with optimizer.accumulate or mixed_float16: use mixed_bfloat16.")
    _check_examples(place, trainer, strategy)


def _check_examples(place: str, trainer: Trainer, strategy: Strategy) -> None:
    """Refuse what the examples of a batch have to do with one another, where each device sees a part of them alone."""
    pairs = 2 * count()
    if strategy.alternates and trainer.batch_size % pairs:
        raise UserError(
            f"{place}: this model treats every other example in another way, so that each device needs an even number "
            f"of them: trainer.batch_size={trainer.batch_size} should be a multiple of {pairs}."
        )
    for role, network in strategy.networks.items():
        for layer in network._flatten_layers():
            if isinstance(layer.activity_regularizer, keras.regularizers.OrthogonalRegularizer):
                raise UserError(
                    f"{place}: {role}: OrthogonalRegularizer as activity_regularizer of {type(layer).__name__} "
                    "compares the examples of a batch, of which each device sees a part: use it as kernel_regularizer."
                )


def _fits(dataset: Dataset, device: str) -> bool:
    """Whether the data take less than half of the memory that is free."""
    needed = sum(dataset.split(name).bytes for name in ("train", "validation"))
    return needed < (memory_limit(device) or psutil.virtual_memory().available) / 2


def suits_xla(strategy: Strategy, device: str, resident: bool) -> bool:
    """On one GPU that XLA knows; on one CPU where the whole loop can be compiled and no network has a convolution.

    XLA's convolutions on a CPU are slower than oneDNN's, and a loop that reads batches from outside gains little.
    """
    if count() > 1:
        return False
    if "GPU" in device:
        return _compiles()
    layers = [layer for network in strategy.networks.values() for layer in network._flatten_layers()]
    return resident and not any("Conv" in type(layer).__name__ for layer in layers)


def _compiles() -> bool:
    """Some new GPUs fail under XLA: better to know before the first step."""
    if problem := xla_problem():
        log.warning("XLA does not work on this GPU, so steps are not compiled with it: %s", problem)
    return problem is None


def xla_problem() -> str | None:
    """What TensorFlow says where XLA does not work on the device that computes now; None where it does."""
    try:
        compiled(lambda x: tf.reduce_sum(x @ x), jit_compile=True)(tf.ones((8, 8)))
    except tf.errors.OpError as error:
        return error.message
    return None
