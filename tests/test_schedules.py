"""Numbers that change with time: their values, how a config writes them, and that the step is their only clock."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, newest_weights, rows
from test_faults import SHAKY

from genctl import schedules
from genctl.commandline.composition import Request, compose
from genctl.optimizers import sgd
from genctl.shortforms import with_schedules

TINY = (
    "dataset.limit=64",
    "trainer.batch_size=16",
    "outputs=runs",
    "callbacks.images.every=0",
    "callbacks.log.every=1",
)
BETA = "model.beta={linear: {start: 0, end: 2, steps: 16}}"
RATE = "optimizer.learning_rate={cosine: {start: 1e-3, end: 1e-4, steps: 20, warmup: 5}}"


def rate_at(step: int) -> float:
    """The value of RATE by its equation."""
    wave = math.cos(math.pi * min(max(step - 5, 0), 20) / 20)
    return min(step / 5, 1) * (1e-4 + 9e-4 * (1 + wave) / 2)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.constant(3), {0: 3, 10**7: 3}),
        (schedules.constant(3, warmup=4), {0: 0, 1: 0.75, 4: 3, 9: 3}),
        (schedules.linear(1, 0.5, steps=10), {0: 1, 4: 0.8, 10: 0.5, 11: 0.5}),
        (schedules.linear(1, 0.5, steps=10, warmup=2), {0: 0, 1: 0.5, 2: 1, 6: 0.8, 12: 0.5, 99: 0.5}),
        (schedules.cosine(1e-3, 1e-4, steps=20, warmup=5), {step: rate_at(step) for step in (0, 3, 5, 11, 25, 26)}),
        (schedules.exponential(8, 1, steps=3), {0: 8, 1: 4, 2: 2, 3: 1, 4: 1}),
        (schedules.exponential(8, 1, steps=3, warmup=2), {1: 4, 2: 8, 3: 4, 5: 1}),
        (schedules.cyclic(0, 1, steps=10), {0: 0, 2: 0.4, 5: 1, 9: 1, 10: 0, 12: 0.4, 10**7 + 3: 0.6}),
        (schedules.cyclic(0.2, 1, steps=4, rise=1), {0: 0.2, 2: 0.6, 3: 0.8, 4: 0.2}),
    ],
)
def test_values_by_their_equations_in_compiled_code(schedule: Callable, expected: dict[int, float]) -> None:
    compiled = tf.function(schedule, input_signature=[tf.TensorSpec([], tf.int64)], jit_compile=True)
    for step, value in expected.items():
        for computed in (schedule(step), compiled(tf.constant(step, tf.int64))):
            assert computed.dtype == tf.float32 and computed.shape == ()
            assert float(computed) == pytest.approx(value, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("model.beta={liner: {start: 0}}", "Did you mean 'linear'? Schedules: constant, linear, cosine"),
        ("model.beta={start: 0, end: 1, steps: 5}", "model.beta: write a number or a schedule"),
        ("model.beta={linear: {start: 0, end: 1}}", "model.beta.linear: argument 'steps' is missing"),
        ("model.beta={linear: {start: 0, stop: 1}}", "model.beta.linear: no argument 'stop'"),
        ("model.beta={cyclic: {start: 0, end: 1, steps: 0}}", "model.beta.cyclic.steps=0: should be greater than 0"),
        ("model.beta=-1", "model.beta=-1: should be greater than or equal to 0, or be a schedule such as {linear:"),
        ("optimizer.learning_rate={cosine: {start: -1, end: 0, steps: 9}}", "optimizer.learning_rate.cosine.start=-1"),
        (
            "optimizer.beta_1={constant: {value: 0.5}}",
            "optimizer.beta_1={'constant': {'value': 0.5}}: should be a valid",
        ),
        ("model.beta={linear: {_target_: os.system, command: ls}}", "list of what a config may name"),
        ("optimizer.clip_norm=0", "optimizer.clip_norm=0: should be greater than 0"),
        ("model.beta=1e300", "model.beta=1e+300: should lie between 1e-30 and 1e+30"),
        ("optimizer.learning_rate=1e-300", "optimizer.learning_rate=1e-300: should lie between 1e-30 and 1e+30"),
        ("model.beta={linear: {start: 0, end: 1, steps: 1000000000000000000000}}", "less than or equal to 10000000"),
        ("model.beta={linear: {start: 0, end: 1, steps: 9, warmup: -1}}", "model.beta.linear.warmup=-1: should be"),
        ("model.beta={exponential: {start: 0, end: 1, steps: 9}}", "exponential.start=0: should be greater than 0"),
        ("model.beta={exponential: {start: 1e-30, end: 1e30, steps: 9}}", "from 1e-30 to 1e+30 goes through more than"),
        ("optimizer.epsilon=1e-40", "optimizer.epsilon=1e-40: should lie between"),
        ("optimizer.accumulate=1000000000000000000000", "should be less than or equal to 1000000000000"),
        ("optimizer.accumulate=1.5", "optimizer.accumulate=1.5: should be a valid integer"),
    ],
)
def test_a_mistake_is_named_with_its_key(genctl: Genctl, word: str, message: str) -> None:
    assert message in genctl.bad("train", *TINY, "trainer.steps=2", word)
    assert not Path("runs").exists()


def test_a_scheduled_run_that_stops_goes_on_with_the_same_bits(genctl: Genctl) -> None:
    more = ("optimizer.accumulate=3", "optimizer.clip_norm=5", "model.average_halflife=4", "callbacks.validate.every=8")
    words = ("train", "model=vae_dense", *TINY, BETA, RATE, *more)
    genctl.good(*words, "name=whole", "trainer.steps=24")
    genctl.good(*words, "name=parts", "trainer.steps=13")
    genctl.good("resume", "run=runs/parts", "trainer.steps=24")
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()
    train = [row for row in rows("runs/whole") if row["split"] == "train"]
    np.testing.assert_allclose([row["beta"] for row in train], [min(i / 8, 2) for i in range(24)], rtol=1e-5)
    rates = [row["learning_rate/autoencoder"] for row in train]
    np.testing.assert_allclose(rates, [rate_at(i) for i in range(24)], rtol=1e-5)
    first, *_, last = [row for row in rows("runs/whole") if row["split"] == "validation"]
    for row, beta in ((first, 7 / 8), (last, 2)):
        assert row["loss"] == pytest.approx(row["distortion"] + beta * row["rate"], rel=1e-5)


def test_the_step_of_a_schedule_is_the_runs_in_any_phase(genctl: Genctl) -> None:
    phases = ("model.phases.autoencoder=1", "model.phases.adversarial=3", "trainer.steps=4")
    rate = "{_target_: genctl.schedules.linear, start: 1e-3, end: 1e-4, steps: 2}"
    words = ("train", "model=aegan_dense", *TINY, *phases, "callbacks.validate.every=0", "name=x")
    genctl.good(*words, f"model.adversarial_learning_rate={rate}")
    assert all("learning_rate/autoencoder" not in row for row in rows("runs/x"))
    rates = [row["learning_rate/forger"] for row in rows("runs/x")[1:]]
    np.testing.assert_allclose(rates, [5.5e-4, 1e-4, 1e-4], rtol=1e-5)


def test_the_short_form_is_written_in_full_where_a_schedule_fits() -> None:
    settings = {"learning_rate": {"constant": {"value": 1}}, "momentum": {"constant": 0}}
    full = {"_target_": "genctl.schedules.constant", "value": 1}
    assert with_schedules(sgd, settings, "optimizer", ()) == settings | {"learning_rate": full}


@pytest.mark.parametrize(
    ("rate", "keys"),
    [(RATE, ["cosine"]), ("optimizer.learning_rate={_target_: genctl.schedules.constant}", ["_target_"])],
)
def test_a_schedule_on_the_command_line_replaces_that_of_a_preset(rate: str, keys: list[str]) -> None:
    preset, changed = (compose(Request("train", ["model=gan", *words], []))[0] for words in ([], [rate]))
    assert list(preset.optimizer.learning_rate) == ["linear"]
    assert list(changed.optimizer.learning_rate) == keys


def test_a_misspelt_schedule_is_told_as_such_where_a_preset_has_one(genctl: Genctl) -> None:
    message = genctl.bad("train", "model=gan", "optimizer.learning_rate={cosin: {start: 1e-3, end: 1e-4, steps: 9}}")
    assert "optimizer.learning_rate: write a number or a schedule" in message and "Did you mean 'cosine'?" in message


def test_a_sweep_over_schedules_and_a_file_that_adds_one(genctl: Genctl) -> None:
    words = ("train", "model=gan", *TINY, "trainer.steps=1", "callbacks.validate.every=0")
    two = "optimizer.learning_rate={constant: {value: 0.5}},{cosine: {start: 0.25, end: 0.1, steps: 9}}"
    genctl.good(*words, "-m", two)
    assert sorted(rows(run)[0]["learning_rate/forger"] for run in Path("runs").glob("gan-*")) == [0.25, 0.5]
    Path("configs/model").mkdir(parents=True)
    Path("configs/model/mine.yaml").write_text(
        "# @package _global_\ndefaults: [gan]\noptimizer: {learning_rate: {constant: {value: 1}}}\n"
    )
    message = genctl.bad("train", "model=mine", "optimizer.learning_rate.constant.value=2")
    assert "optimizer.learning_rate: write one schedule; got linear and constant" in message
    assert "`- override /optimizer: adam`" in message


def test_a_schedule_and_a_rollback_multiply_and_outlive_a_stop(genctl: Genctl) -> None:
    Path("shaky.py").write_text(SHAKY)
    shaky = (
        "model._target_=shaky.Shaky",
        "trust=[shaky]",
        "callbacks.validate.every=0",
        "callbacks.checkpoint.every=5",
    )
    recover = ("trainer.xla=false", "trainer.on_nan=rollback", "trainer.rollback_factor=0.5", "trainer.rollbacks=20")
    words = ("train", "model=vae_dense", *TINY, RATE, *shaky, *recover)
    genctl.good(*words, "name=whole", "trainer.steps=20")
    genctl.good(*words, "name=parts", "trainer.steps=10")  # where a checkpoint is anyway: going back leads to the same
    assert "Going back to step" in genctl.good("resume", "run=runs/parts", "trainer.steps=20", "trust=[shaky]").out
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    factors = [row["learning_rate/autoencoder"] / rate_at(row["step"] - 1) for row in rows("runs/whole")[1:]]
    powers = -np.log2(factors)
    np.testing.assert_allclose(powers, np.round(powers), atol=1e-4)
    assert powers[0] < powers[-1] and (np.diff(np.round(powers)) >= 0).all()
