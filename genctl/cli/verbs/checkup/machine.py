"""TensorFlow and the devices that it computes on.

They are looked at in a process of its own: TensorFlow would keep memory of a GPU from the trainings that follow.
"""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from genctl.cli.verbs.checkup.finding import Finding
from genctl.cli.verbs.checkup.process import problem
from genctl.compute.cores import cores
from genctl.compute.memory import amount

LEAST = 2**30  # bytes of memory, which a process with TensorFlow takes
PRECISIONS = {"float32": "float32", "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}
THREADS = "TF_NUM_INTRAOP_THREADS"


def look(place: Path) -> Iterator[Finding]:
    """Say what TensorFlow sees and can do here. place: a folder for what is thrown away."""
    yield _memory()
    yield _threads()
    answer = place / "machine.json"
    if wrong := problem(_write, [str(answer)], place / "machine.txt"):
        cure = "install genctl anew in a fresh virtual environment; python -c 'import tensorflow' shows what is wrong"
        yield Finding("TensorFlow", wrong, cure)
    else:
        yield from (Finding(**fields) for fields in json.loads(answer.read_text()))


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    seen = f"{amount(memory.available)} of {amount(memory.total)} are free"
    return Finding("memory", seen, "end other programs" if memory.available < LEAST else None)


def _threads() -> Finding:
    given, there = os.environ.get(THREADS), cores()
    seen = f"TensorFlow computes on {there} of {os.cpu_count()} cores"
    if given is None or not given.isdecimal() or int(given) in (0, there):
        return Finding("threads", seen)
    return Finding("threads", f"{seen} with {given} threads ({THREADS})", f"unset {THREADS}")


def _write(words: Sequence[str]) -> int:
    """Write what TensorFlow says of itself and of each device as JSON; return the exit status."""
    Path(words[0]).write_text(json.dumps([dataclasses.asdict(finding) for finding in _ask()]))
    return 0


def _ask() -> Iterator[Finding]:
    import keras
    import tensorflow as tf

    from genctl.compute import device

    backend = keras.backend.backend()
    seen = f"{tf.__version__}, Keras {keras.__version__} on {backend}"
    cure = "unset KERAS_BACKEND, and let ~/.keras/keras.json say tensorflow"
    yield Finding("TensorFlow", seen, None if backend == "tensorflow" else cure)
    device.choose("auto")  # so that the memory of GPUs is not taken whole
    gpus = [f"/GPU:{number}" for number in range(len(tf.config.list_physical_devices("GPU")))]
    cards = sorted(Path("/dev").glob("nvidia[0-9]*"))
    if cards and not gpus and "CUDA_VISIBLE_DEVICES" not in os.environ:
        cure = "pip install 'genctl[gpu]', and see whether nvidia-smi lists it: its driver must be as new as CUDA"
        yield Finding("GPU", f"{cards[0]} is there, and TensorFlow does not see it", cure)
    for place in ["/CPU:0", *gpus]:
        yield from _of_device(place)


def _of_device(place: str) -> Iterator[Finding]:
    import tensorflow as tf

    from genctl.compute.device import describe, memory_limit
    from genctl.training.engine import xla_problem

    limit = memory_limit(place)
    yield Finding("device", f"{describe(place)}{f', {amount(limit)} of memory' if limit else ''}")
    with tf.device(place):
        wrong = {name: said for name, kind in PRECISIONS.items() if (said := _precision_problem(kind))}
        named = place.strip("/")
        seen = f"{named}: {', '.join(name for name in PRECISIONS if name not in wrong)} work"
        cure = "; ".join(f"do without trainer.precision={name} ({said})" for name, said in wrong.items())
        yield Finding("precision", seen, cure or None)
        said = xla_problem()
        cure = "train with trainer.xla=false, or install genctl anew" + (" with [gpu]" if "GPU" in place else "")
        yield Finding("XLA", f"{named}: {said or 'compiles'}", cure if said else None)


def _precision_problem(kind: str) -> str | None:
    import tensorflow as tf

    from genctl.errors import first_line

    try:
        tf.reduce_sum(tf.ones((8, 8), kind) @ tf.ones((8, 8), kind)).numpy()
    except tf.errors.OpError as error:
        return first_line(error)
    return None
