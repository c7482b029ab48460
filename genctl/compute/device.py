"""Choosing the device that a run uses, and describing it."""

import contextlib
import faulthandler
import functools
import logging
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import keras
import psutil
import tensorflow as tf
from tensorflow.python.client import device_lib

from genctl.compute import cluster, parallel
from genctl.compute.cluster import Workers
from genctl.compute.cores import cores
from genctl.compute.meeting import meet
from genctl.errors import UserError, first_line

log = logging.getLogger("genctl")
CONNECTING_SECONDS = 60  # of TensorFlow's own start, which is a matter of a second on a CPU
MOST_PARTS = 8  # of a CPU with fewer cores: each takes memory and threads


@contextlib.contextmanager
def use(
    name: str, devices: int | Literal["all"] = 1, workers: Workers | None = None, wait_seconds: float = 60.0
) -> Iterator[str]:
    """Within the block, everything is on the device called auto, cpu, gpu or gpu:N; yields TensorFlow's name of it.

    devices: how many of that kind share every batch, with a copy of the networks on each.
    workers: what names the processes that share every batch; these wait for each other for `wait_seconds` at most.
    """
    keras.backend.clear_session()  # what an earlier job of a sweep left behind
    # This pass joins pairs of sums to sums of many, whose order, and so whose last bits, vary (see Player.minimize).
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    if workers:
        strategy, device = _joined(workers, name, wait_seconds)
        with strategy.scope(), parallel.naming_lost_processes():
            yield device
        return
    device = choose(name)
    names = [device] if devices == 1 else _several(device, devices)
    with tf.device(device) if len(names) == 1 else _mirrored(*names).scope():
        yield device


@functools.cache  # another one would count its exchanges anew, and TensorFlow take them for those of an earlier job
def _mirrored(*names: str) -> tf.distribute.Strategy:
    """These devices of this process as one."""
    return tf.distribute.MirroredStrategy(names)


@functools.cache  # TensorFlow joins once in a process, for all jobs of a sweep
def _joined(workers: Workers, name: str, wait_seconds: float) -> tuple[tf.distribute.Strategy, str]:
    """The processes of a cluster as one, once all of them are there; and in this one, the device of that name."""
    members = cluster.from_environment(workers, gpus=name != "cpu")  # it may choose the GPUs that can be seen
    device = choose(name)
    try:
        tf.config.set_visible_devices(tf.config.list_physical_devices("GPU") if "GPU" in device else [], "GPU")
        meet(members.addresses, members.place, wait_seconds)
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(members.jobs), task_type=members.job, task_id=members.index, rpc_layer="grpc"
        )
        count = len(members.addresses)
        log.info("all %d processes are there: connecting them, for %d s at most", count, CONNECTING_SECONDS)
        with _ended_after(CONNECTING_SECONDS):
            return tf.distribute.MultiWorkerMirroredStrategy(resolver), device
    except RuntimeError as error:
        raise UserError(
            "trainer.workers: this process has used TensorFlow alone before: train one job a process."
        ) from error
    except tf.errors.OpError as error:
        raise UserError(f"the processes cannot be connected: {first_line(error)}: start all of them again.") from error


@contextlib.contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """End this process with status 1 where the block takes longer.

    TensorFlow keeps all of Python still while it waits for a process that was lost since the meeting; a thread of the
    fault handler is not Python's.
    """
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _several(first: str, devices: int | Literal["all"]) -> list[str]:
    """Names of that many GPUs, or of so many parts of the CPU; all of a CPU are its cores."""
    kind = first[1:4]
    there = cores() if kind == "CPU" else len(tf.config.list_physical_devices(kind))
    wanted = there if devices == "all" else devices
    most = max(there, MOST_PARTS) if kind == "CPU" else there
    if wanted > most:
        parts = f"a CPU of {there} core{'s' * (there != 1)} has {most} parts at most"
        raise UserError(f"trainer.devices={devices}: {parts if kind == 'CPU' else _seen(there)}.")
    if kind == "CPU" and wanted > 1:
        _split_cpu(wanted)
    return [f"/{kind}:{number}" for number in range(wanted)]


def _seen(gpus: int) -> str:
    return f"TensorFlow sees {gpus or 'no'} GPU{'s' * (gpus != 1)} here"


def _split_cpu(parts: int) -> None:
    """Make so many devices of the CPU, each with its share of the cores.

    Two halves of a batch at a time, on one core each, take less time than one operation after another on both cores.
    """
    try:
        device = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * parts)
        tf.config.threading.set_intra_op_parallelism_threads(max(1, cores() // parts))
        tf.config.threading.set_inter_op_parallelism_threads(parts)
    except RuntimeError as error:  # this process has used TensorFlow before, as the later jobs of a sweep have
        if len(tf.config.list_logical_devices("CPU")) < parts:
            raise UserError(f"trainer.devices={parts}: on a CPU, only the first job can set this.") from error


def choose(name: str) -> str:
    """Turn auto, cpu, gpu or gpu:N into TensorFlow's name of a device that is there; GPU memory grows as needed.

    Raises UserError for one that is not there.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # a notebook has used the GPU before, and set its memory as it likes
            tf.config.experimental.set_memory_growth(gpu, True)
    kind, _, number = name.partition(":")
    if kind == "cpu" or (kind == "auto" and not gpus):
        return "/CPU:0"
    if int(number or 0) >= len(gpus):
        raise UserError(
            f"trainer.device={name}: {_seen(len(gpus))}. Use trainer.device=cpu, or install genctl[gpu] and NVIDIA's "
            "driver."
        )
    return f"/GPU:{int(number or 0)}"


def describe(device: str) -> str:
    """A name for people, such as "GPU 0 (NVIDIA L4)" or "CPU (8 cores)"."""
    kind, _, number = device.strip("/").partition(":")
    if kind == "CPU":
        return f"CPU ({cores()} core{'s' * (cores() != 1)})"
    gpu = tf.config.list_physical_devices("GPU")[int(number)]
    return f"GPU {number} ({tf.config.experimental.get_device_details(gpu).get('device_name', 'unknown')})"


@functools.cache  # TensorFlow makes all devices anew to tell
def memory_limit(device: str) -> int | None:
    """The memory in bytes that TensorFlow may use of a GPU; None on the host."""
    limits = (
        {device_seen.name: device_seen.memory_limit for device_seen in device_lib.list_local_devices()}
        if "GPU" in device
        else {}
    )
    return next((limit for name, limit in limits.items() if name.endswith(device[1:])), None)


def free_memory() -> int:
    """The bytes that are free on the device which computes now."""
    device = tf.constant(0.0).device.rpartition("/device:")[2]
    limit = memory_limit(f"/{device}")
    if limit is None:
        return psutil.virtual_memory().available
    return limit - tf.config.experimental.get_memory_info(device)["current"]


def peak_memory_mib(device: str) -> dict[str, float]:
    """Peak memory of this process on the host and, for a GPU, on the device, in MiB."""
    peak = {"host_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    if "GPU" in device:
        peak["device_memory_mib"] = tf.config.experimental.get_memory_info(device)["peak"] / 2**20
    return peak
