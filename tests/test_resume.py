"""A run that stops, for whatever reason, continues with the same bits."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import NIGHTLY, Genctl, newest_weights, rows

COMMON = (
    "optimizer.learning_rate=1e-3",  # which falls no faster in a shorter run
    "outputs=runs",
    "trainer.batch_size=16",
    "callbacks.log.every_steps=20",
    "callbacks.validate.every_steps=30",
    "callbacks.images.every_steps=0",
)
PHASES = ("model.phases.autoencoder=20", "model.phases.adversarial=20")


def options(model: str) -> tuple[str, ...]:
    extra = PHASES if model == "aegan" else ()
    dropout = ("discriminator.dropout=0.2",) if model in ("gan", "aegan") else ("encoder.dropout=0.2",)
    return (f"model={model}", *COMMON, *extra, *dropout)


@pytest.mark.parametrize("model", [*(pytest.param(model, marks=NIGHTLY) for model in ("ae", "vae")), "gan", "aegan"])
def test_sixty_steps_equal_thirty_five_and_twenty_five(genctl: Genctl, model: str) -> None:
    genctl.good("train", *options(model), "name=whole", "trainer.steps=60")
    genctl.good("train", *options(model), "name=parts", "trainer.steps=35")
    genctl.good("resume", "run=runs/parts", "trainer.steps=60")
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()
    assert [row["step"] for row in rows("runs/whole") if row["split"] == "validation"] == [30, 60]


def test_a_stop_at_the_end_of_a_phase_changes_nothing(genctl: Genctl) -> None:
    words = (*options("aegan"), "model.phases.autoencoder=30", "callbacks.checkpoint.every_steps=15")
    genctl.good("train", *words, "name=whole", "trainer.steps=45", "callbacks.checkpoint.keep=9")
    genctl.good("train", *words, "name=parts", "trainer.steps=30", "callbacks.checkpoint.keep=9")
    step = "checkpoints/step-000000030/state.safetensors"
    assert Path("runs/parts", step).read_bytes() == Path("runs/whole", step).read_bytes()
    genctl.good("resume", "run=runs/parts", "trainer.steps=45")
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()


def start(*words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "genctl", "train", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_step(process: subprocess.Popen, run: str, step: int) -> None:
    """Wait for a checkpoint of this step or a later one; old ones are deleted meanwhile."""
    deadline = time.monotonic() + 300
    while not any(int(path.name[5:]) >= step for path in Path(run).glob("checkpoints/step-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(genctl: Genctl, number: signal.Signals) -> None:
    process = start(*options("vae"), "name=x", "trainer.steps=100000", "callbacks.checkpoint.every_steps=50")
    wait_for_step(process, "runs/x", 50)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "genctl resume run=runs/x" in err and "Traceback" not in err
    summary = json.loads(Path("runs/x/summary.json").read_text())
    assert summary["status"] == "stopped"
    newest = sorted(Path("runs/x/checkpoints").iterdir())[-1]
    assert newest.name == f"step-{summary['steps']:09d}"


def test_another_config_is_refused_with_what_differs(genctl: Genctl) -> None:
    words = (*options("vae"), "trainer.steps=2", "name=x")
    genctl.good("train", *words)
    message = genctl.bad("train", *words, "model.beta=2", "seed=1")
    assert "model.beta: 1.0 -> 2" in message and "seed: 0 -> 1" in message and "genctl resume run=runs/x" in message
    assert "latent_dim" not in message


def test_a_finished_run_says_so_and_stays_as_it_is(genctl: Genctl) -> None:
    words = (*options("vae"), "trainer.steps=25", "name=x")
    genctl.good("train", *words)
    before = [(Path("runs/x") / name).read_bytes() for name in ("metrics.jsonl", "summary.json")]
    assert "all 25 steps are done already" in genctl.good("train", *words).out
    assert before == [(Path("runs/x") / name).read_bytes() for name in ("metrics.jsonl", "summary.json")]


def test_resume_takes_durations_that_the_run_has(genctl: Genctl) -> None:
    genctl.good("train", *options("vae"), "trainer.steps=10", "name=x")
    files = {path: path.read_bytes() for path in Path("runs/x").iterdir() if path.is_file()}
    assert "trainer.steps=5 is less than the 10 steps" in genctl.bad("resume", "run=runs/x", "trainer.steps=5")
    assert files == {path: path.read_bytes() for path in Path("runs/x").iterdir() if path.is_file()}
    assert "no such setting" in genctl.bad("resume", "run=runs/x", "model.phases.joint=5")
    assert "trainer.steps=-3" in genctl.bad("resume", "run=runs/x", "trainer.steps=-3")
    assert "run=runs/y is not there. Did you mean 'runs/x'?" in genctl.bad("resume", "run=runs/y")


def test_two_processes_do_not_train_one_run(genctl: Genctl) -> None:
    process = start(*options("vae"), "name=x", "trainer.steps=100000", "callbacks.checkpoint.every_steps=50")
    try:
        wait_for_step(process, "runs/x", 50)
        message = genctl.bad("resume", "run=runs/x")
        assert f"process {process.pid}" in message
    finally:
        process.kill()
        process.communicate()


def test_changed_data_are_refused(genctl: Genctl, colour_npz: str) -> None:
    import numpy as np

    words = ("dataset=npz", f"dataset.path={colour_npz}", "name=x", "trainer.steps=4", *COMMON)
    genctl.good("train", *words)
    arrays = dict(np.load(colour_npz))
    arrays["images"][0, 0, 0, 0] ^= 1
    np.savez(colour_npz, **arrays)
    assert "the data set has changed" in genctl.bad("train", *words)


def test_a_directory_of_something_else_is_left_alone(genctl: Genctl) -> None:
    Path("runs/x").mkdir(parents=True)
    Path("runs/x/thesis.txt").write_text("mine")
    assert "is not a genctl run but holds thesis.txt" in genctl.bad("train", *options("vae"), "name=x")
    assert "name=../x" in genctl.bad("train", *options("vae"), "name=../x")
