"""Several devices that share every batch, here two parts of the CPU: the same curves as one device within rounding."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf
from conftest import NIGHTLY, Genctl, newest_weights, rows, tiny
from safetensors.numpy import load
from test_resume import wait_for_step

from genctl.compute import device
from genctl.compute.cores import cores
from genctl.config.signatures import check_value
from genctl.errors import UserError
from genctl.strategies.players.loss_scale import LossScale
from genctl.training.trainer import Device

WORDS = (
    "outputs=runs",
    "trainer.steps=60",
    "trainer.batch_size=32",
    "trainer.xla=false",
    "callbacks.log.every_steps=20",
    "callbacks.validate.every_steps=30",
    "callbacks.images.every_steps=30",
    "dataset.augment.shift=1",
)


def on_two(*words: str) -> subprocess.CompletedProcess:
    """Train in a process of its own, since TensorFlow fixes its devices when it starts."""
    command = [sys.executable, "-m", "genctl", *words]
    return subprocess.run(command, capture_output=True, text=True)


def losses(run: str) -> list[float]:
    """All numbers that are not norms, which are near 0 and so far apart in relative terms."""
    return [value for row in rows(run) for name, value in row.items() if "loss" in name or name == "elbo"]


def test_two_devices_end_where_one_does(genctl: Genctl) -> None:
    words = ("train", "model=vae", *WORDS)
    genctl.good(*words, "name=one")
    done = on_two(*words, "trainer.device=cpu", "trainer.devices=2", "name=two")
    assert done.returncode == 0, done.stderr
    assert losses("runs/two") == pytest.approx(losses("runs/one"), rel=1e-4)
    genctl.good("sample", "run=runs/two", "n=4")


def mlps(*roles: str) -> tuple[str, ...]:
    return tuple(word for role in roles for word in (f"{role}=mlp", f"{role}.units=[16]"))


CODEC, DISCRIMINATOR = mlps("encoder", "decoder"), mlps("discriminator")
LISTED = "encoder.layers=[{Dense: {units: 16, use_bias: false}}, BatchNormalization, {ReLU: {}}]"
ORTHOGONAL = "{_target_: keras.regularizers.OrthogonalRegularizer, mode: columns}"
KL = ("model.regularizer=kl", "model.code_activation=sigmoid", "model.regularizer_weight=0.1")
NOT_MEANS = {  # objectives, logs and layers that see more of a batch than one example at a time
    "floors": ("model=vae", *CODEC, "model.free_bits=0.5", "model.likelihood=gaussian_optimal"),
    "sparse": ("model=sae", *KL, "encoder=layers", LISTED, *CODEC[2:]),
    "turns": ("model=vaegan", *CODEC, *DISCRIMINATOR, "decoder.normalization=none", "dataset.augment.crop=0.7"),
    "codes": (
        *("model=aegan", *CODEC, *DISCRIMINATOR, *mlps("generator"), "model.generator_input=both"),
        "model.phases={autoencoder: 2, adversarial: 2, joint: 2}",
    ),
}
JOBS = """
import json, sys
from genctl.cli.main import main
for name, words in json.loads(sys.argv[1]).items():
    assert main(["train", *words, f"name={name}"]) == 0, name
"""


def numbers(run: str) -> dict[str, list[float]]:
    """All logs, and all weights."""
    found = {f"{row['step']}/{name}": [value] for row in rows(run) for name, value in row.items() if name != "step"}
    logs = {name: values for name, values in found.items() if isinstance(values[0], float)}
    return logs | {name: array.ravel().tolist() for name, array in load(newest_weights(run)).items()}


@pytest.mark.parametrize("names", [("floors", "sparse"), pytest.param(("turns", "codes"), marks=NIGHTLY)], ids=" ".join)
def test_what_is_no_mean_over_examples_is_of_all_devices(genctl: Genctl, names: tuple[str, ...]) -> None:
    short = ("trainer.steps=6", "callbacks.log.every_steps=2", "callbacks.images.every_steps=0", "dataset.limit=100")
    jobs = {name: [*NOT_MEANS[name], *WORDS, *short, "optimizer.learning_rate=1e-3"] for name in names}
    for name, words in jobs.items():
        genctl.good("train", *words, f"name={name}-one")
    on = ("trainer.device=cpu", "trainer.devices=2")
    code = json.dumps({f"{name}-two": [*words, *on] for name, words in jobs.items()})
    done = subprocess.run([sys.executable, "-c", JOBS, code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in names:
        one, two = numbers(f"runs/{name}-one"), numbers(f"runs/{name}-two")
        assert one.keys() == two.keys()
        for log, values in one.items():
            assert two[log] == pytest.approx(values, rel=1e-3, abs=1e-4), f"{name}: {log}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("model=vaegan", "trainer.batch_size=6"), "should be a multiple of 4"),
        (("model=aegan", "model.generator_input=both", "trainer.batch_size=10"), "should be a multiple of 4"),
        (
            ("encoder=layers", f"encoder.layers=[{{Dense: {{units: 8, activity_regularizer: {ORTHOGONAL}}}}}]"),
            "use it as kernel_regularizer",
        ),
    ],
)
def test_what_devices_would_see_a_part_of_is_refused(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr("genctl.training.engine.count", lambda: 2)
    assert message in genctl.bad("train", *words, "outputs=runs")
    assert not Path("runs").exists()


def test_all_of_a_cpu_are_its_cores_each_with_a_thread() -> None:
    code = """
import tensorflow as tf
from genctl.compute import device, parallel
with device.use("cpu", "all"):
    print(parallel.count(), tf.config.threading.get_intra_op_parallelism_threads())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == [str(cores()), "1" if cores() > 1 else "0"], done.stderr


@NIGHTLY
def test_two_devices_continue_bit_for_bit(genctl: Genctl) -> None:
    words = ("train", "model=gan", *WORDS, "trainer.device=cpu", "trainer.devices=2")
    assert on_two(*words, "name=whole").returncode == 0
    assert on_two(*words, "name=parts", "trainer.steps=35").returncode == 0
    assert on_two("resume", "run=runs/parts", "trainer.steps=60").returncode == 0
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()


def two_processes(*words: str) -> list[subprocess.Popen]:
    """Start two workers on this machine."""
    with socket.socket() as first, socket.socket() as second:
        for found in (first, second):
            found.bind(("localhost", 0))
        places = [f"localhost:{found.getsockname()[1]}" for found in (first, second)]
    command = [sys.executable, "-m", "genctl", *words]
    started = []
    for index in range(2):
        cluster = {"cluster": {"worker": places}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"TF_CONFIG": json.dumps(cluster)}
        started.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    return started


def finish(processes: list[subprocess.Popen]) -> list[int]:
    """Exit codes."""
    try:
        for process in processes:
            process.communicate(timeout=200)
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes]


WORKERS = ("trainer.device=cpu", "trainer.workers=tf_config", "name=two")


def test_two_processes_end_where_one_does(genctl: Genctl) -> None:
    words = (
        "train",
        "model=gan",
        *WORDS,
        "optimizer.learning_rate=1e-4",
    )  # larger ones enlarge differences of rounding
    genctl.good(*words, "name=one")
    assert finish(two_processes(*words, *WORKERS)) == [0, 0]
    assert losses("runs/two") == pytest.approx(losses("runs/one"), rel=0, abs=1e-4)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["one", "two"]


ENDLESS = (*tiny("gan"), *WORKERS, "trainer.steps=1000000", "callbacks.checkpoint.every_steps=20")


@NIGHTLY
def test_a_signal_to_one_process_stops_both(genctl: Genctl) -> None:
    processes = two_processes("train", *ENDLESS)
    wait_for_step(processes[0], "runs/two", 20)
    processes[1].send_signal(signal.SIGTERM)  # the one that does not write: both must hear of it
    assert finish(processes) == [75, 75]


@NIGHTLY
@pytest.mark.parametrize("lost", [0, 1])
def test_a_kill_of_one_process_ends_the_other_and_loses_nothing(genctl: Genctl, lost: int) -> None:
    for begin in (0, 20):
        processes = two_processes("train", *ENDLESS)
        wait_for_step(processes[0], "runs/two", begin + 20)
        processes[lost].kill()
        _, said = processes[1 - lost].communicate(timeout=200)
        assert processes[1 - lost].returncode == 1 and "another process of this run has ended" in said
        finish(processes)


def test_a_run_of_several_processes_needs_a_name_and_a_cluster(genctl: Genctl) -> None:
    assert "name=" in genctl.bad("train", "trainer.workers=tf_config")
    done = on_two("train", "trainer.workers=tf_config", "name=x", "outputs=runs")
    assert done.returncode == 1 and "TF_CONFIG" in done.stderr and not Path("runs").exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("trainer.batch_size=33", "cannot share trainer.batch_size=33"),
        ("trainer.xla=true", "does not work with XLA"),
        ("optimizer.accumulate=2", "optimizer.accumulate"),
    ],
)
def test_what_several_devices_cannot_do_is_refused(genctl: Genctl, option: str, words: str) -> None:
    done = on_two("train", "outputs=runs", "trainer.device=cpu", "trainer.devices=2", option)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
    assert not Path("runs").exists()


def test_more_gpus_than_there_are_are_refused(genctl: Genctl) -> None:
    assert "no GPU" in genctl.bad("train", "trainer.device=gpu", "trainer.devices=4")


def test_loss_scale_skips_what_overflows_and_recovers() -> None:
    scale, moved = LossScale(), tf.Variable(0)

    @tf.function
    def guard(norm: tf.Tensor) -> tf.Tensor:
        return scale.guard(norm, lambda: moved.assign_add(1))

    first = float(scale.value)
    assert float(guard(tf.constant(float("inf")))) == 0 and int(moved) == 0
    assert float(scale.value) == first / 2
    for _ in range(2000):
        assert float(guard(tf.constant(1.0))) == 1
    assert int(moved) == 2000 and float(scale.value) == first
    scale.value.assign(1.0)
    assert float(guard(tf.constant(float("inf")))) == float("inf"), "nothing is left to halve: the run must hear of it"


@pytest.mark.parametrize("name", ["cpu:0", "cpu:7", "gpu:-1", "gpu:", "gpu:01", "gpu:99999999999999999999", "", "CPU"])
def test_devices_have_four_names(genctl: Genctl, name: str) -> None:
    message = genctl.bad("train", f"trainer.device={name}")
    assert f"trainer.device={name}: choose auto, cpu, gpu or gpu:N." in message


def test_digits_of_other_scripts_are_no_numbers_of_gpus() -> None:
    with pytest.raises(UserError, match="choose auto, cpu, gpu or gpu:N"):
        check_value("gpu:²", Device, "trainer.device")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("trainer.devices=1000000",), "trainer.devices=1000000 cannot share the 64 examples of a batch"),
        (("trainer.devices=0",), "trainer.devices=0: should be greater than 0"),
        (("trainer.devices=2", "trainer.workers=slurm", "name=x"), "does not work with trainer.workers"),
        (("trainer.device=gpu:1", "trainer.workers=slurm", "name=x"), "choose GPUs by the variable CUDA_VISIBLE_DEV"),
    ],
)
def test_devices_that_cannot_share_a_batch_are_refused(genctl: Genctl, words: tuple[str, ...], message: str) -> None:
    assert message in genctl.bad("train", "model=gan", "outputs=runs", "trainer.device=cpu", *words)
    assert not Path("runs").exists()


def test_a_cpu_has_no_more_parts_than_are_of_use(genctl: Genctl) -> None:
    most = max(8, cores())
    words = ("train", "outputs=runs", "trainer.device=cpu", f"trainer.devices={most + 1}", "trainer.batch_size=1000")
    begun = time.monotonic()
    assert f"trainer.devices={most + 1}: a CPU of {cores()} core" in genctl.bad(*words)
    assert time.monotonic() - begun < 60
    with pytest.raises(UserError, match=f"has {most} parts at most"):
        device._several("/CPU:0", 10**6)


@NIGHTLY
def test_jobs_of_a_sweep_share_their_processes(genctl: Genctl) -> None:
    words = ("train", "-m", "seed=1,2", *tiny("gan"), *WORKERS, "trainer.steps=3")
    assert finish(two_processes(*words)) == [0, 0]
    assert sorted(path.name for path in Path("runs/two").iterdir()) == ["seed-1", "seed-2"]
    assert newest_weights("runs/two/seed-1") != newest_weights("runs/two/seed-2")
