"""Choosing the device that a run uses, and describing it."""

import contextlib
import resource
from collections.abc import Iterator
from typing import Literal

import keras
import tensorflow as tf
from tensorflow.python.client import device_lib

from genctl import parallel
from genctl.cores import cores
from genctl.errors import UserError


@contextlib.contextmanager
def use(
    name: str, devices: int | Literal["all"] = 1, workers: Literal["tf_config", "slurm"] | None = None
) -> Iterator[str]:
    """Within the block, everything is on the device called auto, cpu, gpu or gpu:N; yields TensorFlow's name of it.

    devices: how many of that kind share every batch, with a copy of the networks on each.
    """
    keras.backend.clear_session()  # what an earlier job of a sweep left behind
    # This pass joins pairs of sums to sums of many, whose order, and so whose last bits, vary (see Player.minimize).
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    if workers:
        with _cluster(workers).scope(), parallel.peers():
            yield choose(name)
        return
    device = choose(name)
    names = [device] if devices == 1 else _several(device, devices)
    with tf.device(device) if len(names) == 1 else tf.distribute.MirroredStrategy(names).scope():
        yield device


def _cluster(kind: Literal["tf_config", "slurm"]) -> tf.distribute.Strategy:
    """Several processes that share every batch, as the environment describes them."""
    resolvers = tf.distribute.cluster_resolver
    resolver = resolvers.TFConfigClusterResolver() if kind == "tf_config" else resolvers.SlurmClusterResolver()
    if not resolver.cluster_spec().jobs:
        raise UserError(f"trainer.workers={kind}: the environment names no cluster: set TF_CONFIG, or start by srun.")
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)


def _several(first: str, devices: int | Literal["all"]) -> list[str]:
    """Names of that many GPUs, or of so many parts of the CPU; all of a CPU are its cores."""
    kind = first[1:4]
    there = cores() if kind == "CPU" else len(tf.config.list_physical_devices(kind))
    wanted = there if devices == "all" else devices
    if kind == "CPU" and wanted > 1:
        _split_cpu(wanted)
    elif wanted > there:
        raise UserError(f"trainer.devices={devices}: TensorFlow sees {there} GPU{'s' * (there != 1)} here.")
    return [f"/{kind}:{number}" for number in range(wanted)]


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
    """Turn auto, cpu, gpu or gpu:N into TensorFlow's name of a device that is there; GPU memory grows as needed."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # a notebook has used the GPU before, and set its memory as it likes
            tf.config.experimental.set_memory_growth(gpu, True)
    kind, _, number = name.partition(":")
    if kind == "cpu" or (kind == "auto" and not gpus):
        return "/CPU:0"
    if kind not in ("auto", "gpu") or not (number or "0").isdigit():
        raise UserError(f"trainer.device={name}: choose auto, cpu, gpu or gpu:N.")
    if int(number or 0) >= len(gpus):
        raise UserError(
            f"trainer.device={name}: TensorFlow sees {len(gpus) or 'no'} GPU{'s' * (len(gpus) != 1)} here. "
            "Use trainer.device=cpu, or install genctl[gpu] and NVIDIA's driver."
        )
    return f"/GPU:{int(number or 0)}"


def describe(device: str) -> str:
    """A name for people, such as "GPU 0 (NVIDIA L4)" or "CPU (8 cores)"."""
    kind, _, number = device.strip("/").partition(":")
    if kind == "CPU":
        return f"CPU ({cores()} core{'s' * (cores() != 1)})"
    gpu = tf.config.list_physical_devices("GPU")[int(number)]
    return f"GPU {number} ({tf.config.experimental.get_device_details(gpu).get('device_name', 'unknown')})"


def memory_limit(device: str) -> int | None:
    """The memory in bytes that TensorFlow may use of a GPU; None on the host."""
    limits = {found.name: found.memory_limit for found in device_lib.list_local_devices()} if "GPU" in device else {}
    return next((limit for name, limit in limits.items() if name.endswith(device[1:])), None)


def peak_memory_mib(device: str) -> dict[str, float]:
    """Peak memory of this process on the host and, for a GPU, on the device, in MiB."""
    peak = {"host_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    if "GPU" in device:
        peak["device_memory_mib"] = tf.config.experimental.get_memory_info(device)["peak"] / 2**20
    return peak
