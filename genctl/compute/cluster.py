"""The processes that share every batch, as the environment names them: by TF_CONFIG, or by Slurm's variables.

TensorFlow reads these too, but waits for an address that is wrong without end and without a word.
"""

import dataclasses
import os
import re
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import AfterValidator, Field, NonNegativeInt

from genctl.config.signatures import check_value, shown
from genctl.errors import UserError, first_line

Workers = Literal["tf_config", "slurm"]
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:4000", "10.0.0.2:4000"]}, "task": {"type": "worker", "index": 0}}'
NO_GPUS = {"gpus_per_node": 2**16, "gpus_per_task": 1, "auto_set_gpu": False}


def _known_address(address: str) -> str:
    match = re.fullmatch(r"[^\s:/@\[\]]+:([0-9]{1,5})", address)
    if not match or not 0 < int(match[1]) < 2**16:
        raise ValueError("should be HOST:PORT, with a port from 1 to 65535")
    return address


Address = Annotated[str, AfterValidator(_known_address)]
Job = Literal["chief", "worker"]


@dataclasses.dataclass(frozen=True)
class _Task:
    type: Job
    index: NonNegativeInt


@dataclasses.dataclass(frozen=True)
class _Config:
    """What TF_CONFIG holds, and that is used here."""

    cluster: Annotated[dict[Job, Annotated[list[Address], Field(min_length=1)]], Field(min_length=1)]
    task: _Task


@dataclasses.dataclass(frozen=True)
class Cluster:
    """jobs: addresses HOST:PORT by job; job, index: which of them is this process."""

    jobs: dict[str, list[str]]
    job: str
    index: int

    @property
    def addresses(self) -> list[str]:
        """Those of all processes, that of the leading one first."""
        return [address for job in sorted(self.jobs) for address in self.jobs[job]]

    @property
    def place(self) -> int:
        """Of this process among the addresses."""
        return sum(len(self.jobs[job]) for job in self.jobs if job < self.job) + self.index


def from_environment(kind: Workers, gpus: bool) -> Cluster:
    """The cluster that this process belongs to. gpus: of Slurm, whether its processes share out their nodes' GPUs.

    Raises UserError where the environment does not say, or says what cannot be.
    """
    source, expected = {
        "tf_config": ("TF_CONFIG", f"Expected is a text such as {EXAMPLE}"),
        "slurm": ("trainer.workers=slurm", "Start all processes by srun, on a node no more than it has GPUs."),
    }[kind]
    try:
        cluster = _of_slurm(source, gpus) if kind == "slurm" else _of_tf_config(source)
        _check(cluster, source)
    except UserError as error:
        raise UserError(f"{error} {expected}") from error
    return cluster


def _of_tf_config(source: str) -> Cluster:
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise UserError(f"trainer.workers=tf_config: the variable {source} is not set.")
    try:
        config = pydantic.TypeAdapter(_Config).validate_json(text, strict=True)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        reason = re.sub("^(Input|Value error,) ", "", problem["msg"])
        raise UserError(f"{source}={shown(text)}: {f'{place}: ' if place else ''}{reason}.") from error
    return Cluster(
        {str(job): addresses for job, addresses in config.cluster.items()}, config.task.type, config.task.index
    )


def _of_slurm(source: str, gpus: bool) -> Cluster:
    import tensorflow as tf

    try:
        # TensorFlow counts a node's processes by its GPUs: without any, let there be enough.
        options = {} if gpus and _has_gpus() else NO_GPUS
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(**options)
        jobs = resolver.cluster_spec().as_dict()
    except (RuntimeError, ValueError, LookupError, OSError, ArithmeticError) as error:
        raise UserError(f"{source}: {first_line(error)}") from error
    if resolver.task_type is None:
        raise UserError(f"{source}: SLURM_PROCID={os.environ['SLURM_PROCID']} is none of its processes.")
    return Cluster(jobs, resolver.task_type, resolver.task_id)


def _has_gpus() -> bool:
    """Whether this node has any to share out: nvidia-smi may be there without one, and then fails."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return shutil.which("nvidia-smi") is not None and any(Path("/dev").glob("nvidia[0-9]*"))


def _check(cluster: Cluster, source: str) -> None:
    """Raise UserError for what no cluster can be."""
    for address in cluster.addresses:
        check_value(address, Address, source)
    if twice := sorted({address for address in cluster.addresses if cluster.addresses.count(address) > 1}):
        raise UserError(f"{source}: {twice[0]} is there twice, and each process needs an address of its own.")
    if len(cluster.jobs.get("chief", ())) > 1:
        raise UserError(f"{source}: there can be one chief, and it names {len(cluster.jobs['chief'])}.")
    here = cluster.jobs.get(cluster.job, ())
    if cluster.index >= len(here):
        raise UserError(
            f"{source}: this process is {cluster.job} {cluster.index}, and the cluster has {_jobs(cluster)}."
        )
    _resolve(cluster.addresses, source)
    if len(cluster.addresses) == 1:
        raise UserError(f"{source}: it names this process alone: leave trainer.workers out, or name several.")


def _jobs(cluster: Cluster) -> str:
    return " and ".join(f"{job} 0 to {len(cluster.jobs[job]) - 1}" for job in sorted(cluster.jobs))


def _resolve(addresses: Sequence[str], source: str) -> None:
    for address in addresses:
        host, port = split(address)
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or first_line(error)
            raise UserError(f"{source}: the name in {address} cannot be resolved: {reason}.") from error


def split(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT."""
    host, _, port = address.rpartition(":")
    return host, int(port)
