"""Numbers that change with time: their values, how a config writes them, and that the step is their only clock."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, newest_weights, rows
from test_faults import SHAKY

from genctl.cli.composition import Request, compose
from genctl.compute.context import Noise, StepContext
from genctl.config import schedules
from genctl.config.shorthand import with_schedules
from genctl.strategies.players.optimizers import sgd

TINY = (
    "dataset.limit=64",
    "trainer.batch_size=16",
    "outputs=runs",
    "callbacks.images.every_steps=0",
    "callbacks.log.every_steps=1",
)
BETA = "model.beta={linear: {start: 0, end: 2, steps: 16}}"
RATE = "optimizer.learning_rate={cosine: {start: 1e-3, end: 1e-4, steps: 20, warmup_steps: 5}}"


def rate_at(step: int) -> float:
    """The value of RATE by its equation."""
    wave = math.cos(math.pi * min(max(step - 5, 0), 20) / 20)
    return min(step / 5, 1) * (1e-4 + 9e-4 * (1 + wave) / 2)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.constant(3), {0: 3, 10**7: 3}),
        (schedules.constant(3, warmup_steps=4), {0: 0, 1: 0.75, 4: 3, 9: 3}),
        (schedules.linear(1, 0.5, steps=10), {0: 1, 4: 0.8, 10: 0.5, 11: 0.5}),
        (schedules.linear(1, 0.5, steps=10, warmup_steps=2), {0: 0, 1: 0.5, 2: 1, 6: 0.8, 12: 0.5, 99: 0.5}),
        (
            schedules.cosine(1e-3, 1e-4, steps=20, warmup_steps=5),
            {step: rate_at(step) for step in (0, 3, 5, 11, 25, 26)},
        ),
        (schedules.exponential(8, 1, steps=3), {0: 8, 1: 4, 2: 2, 3: 1, 4: 1}),
        (schedules.exponential(8, 1, steps=3, warmup_steps=2), {1: 4, 2: 8, 3: 4, 5: 1}),
        (schedules.cyclic(0, 1, steps=10), {0: 0, 2: 0.4, 5: 1, 9: 1, 10: 0, 12: 0.4, 10**7 + 3: 0.6}),
        (schedules.cyclic(0.2, 1, steps=4, rise=1), {0: 0.2, 2: 0.6, 3: 0.8, 4: 0.2}),
        (schedules.linear(1, 0.5), {0: 1, 10: 0.75, 20: 0.5, 30: 0.5}),
        (schedules.linear(1, 0.5, warmup_steps=10), {0: 0, 5: 0.5, 10: 1, 15: 0.75, 20: 0.5}),
        (schedules.cosine(3, 1), {0: 3, 10: 2, 20: 1, 21: 1}),
        (schedules.exponential(8, 2), {0: 8, 10: 4, 20: 2, 21: 2}),
        (schedules.cyclic(0, 1, rise=0.8), {0: 0, 1: 0.25, 4: 1, 5: 0, 6: 0.25, 14: 1, 15: 0}),
    ],
)
def test_values_by_their_equations_in_compiled_code(schedule: Callable, expected: dict[int, float]) -> None:
    for first in (0, 7):  # of a run, and of a phase

        def at(step: int | tf.Tensor, first: int = first) -> tf.Tensor:
            return schedule(StepContext(step + first, "train", Noise(0), (first, first + 20)))

        compiled = tf.function(at, input_signature=[tf.TensorSpec([], tf.int64)], jit_compile=True)
        for step, value in expected.items():
            for computed in (at(step), compiled(tf.constant(step, tf.int64))):
                assert computed.dtype == tf.float32 and computed.shape == ()
                assert float(computed) == pytest.approx(value, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("model.beta={liner: {start: 0}}", "Did you mean 'linear'? Schedules: constant, linear, cosine"),
        ("model.beta={start: 0, end: 1, steps: 5}", "model.beta: write a number or a schedule"),
        ("model.beta={linear: {start: 0}}", "model.beta.linear: argument 'end' is missing"),
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
        (
            "model.beta={linear: {start: 0, end: 1, steps: 9, warmup_steps: -1}}",
            "model.beta.linear.warmup_steps=-1: should be",
        ),
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
    more = (
        "optimizer.accumulate=3",
        "optimizer.clip_norm=5",
        "model.ema_halflife=4",
        "callbacks.validate.every_steps=8",
    )
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


STRAIGHT = "optimizer.learning_rate={linear: {start: 2e-3, end: 1e-5}}"
LENGTHS = {
    "vae": ("trainer.steps=6", STRAIGHT),
    "gan": ("trainer.epochs=2",),
    "msgan": ("trainer.steps=7", "model.level_steps=2"),
    "gan_through_ae": ("trainer.steps=5",),
}


@pytest.mark.parametrize("model", LENGTHS)
def test_a_schedule_ends_where_the_run_ends(genctl: Genctl, model: str) -> None:
    genctl.good("train", f"model={model}", *TINY, *LENGTHS[model], "callbacks.validate.every_steps=0", "name=x")
    found = [row for row in rows("runs/x") if row["split"] == "train"]
    player = "autoencoder" if model == "vae" else "discriminator"
    start, total = (2e-3 if model == "vae" else 1e-3), len(found)
    wanted = [start + (1e-5 - start) * step / total for step in range(total)]
    np.testing.assert_allclose([row[f"learning_rate/{player}"] for row in found], wanted, rtol=1e-5)


FALLING = "{linear: {start: 1e-3, end: 1e-4}}"
STAGES = {  # what a model's phases are given, and its players' rates at each step
    "aegan_dense": (
        [f"model.{name}={FALLING}" for name in ("adversarial_learning_rate", "joint_learning_rate")]
        + ["model.discriminator_learning_rate=null", f"optimizer.learning_rate={FALLING}"]
        + ["model.phases={autoencoder: 3, adversarial: 2, joint: 3}"],
        {
            "autoencoder": [10, 7, 4],
            "generator": [10, 5.5],
            "discriminator": [10, 5.5, 10, 7, 4],
            "ensemble": [10, 7, 4],
        },
    ),
    "latent_gan": (
        [f"model.adversarial_learning_rate={FALLING}", "model.discriminator_learning_rate=null", "trainer.steps=5"]
        + ["model.phases={autoencoder: 2, adversarial: 9}"],
        {"generator": [10, 7, 4], "discriminator": [10, 7, 4]},
    ),
    "aegan_multilevel": (
        [f"model.adversarial_learning_rate={FALLING}", "model.levels=2", "model.level_steps=1"]
        + ["model.phases={autoencoder: 1, adversarial: 2, joint: 1}"],
        {"generator": [10, 7, 4]},
    ),
    "hae": (
        [f"optimizer.learning_rate={FALLING}", "model.levels=[2, 2]", "model.level_steps=2", "trainer.steps=5"],
        {"level_0": [10, 5.5], "level_1": [10, 7, 4]},
    ),
}


@pytest.mark.parametrize("model", STAGES)
def test_a_schedule_ends_where_its_phase_ends(genctl: Genctl, model: str) -> None:
    words, wanted = STAGES[model]
    genctl.good("train", f"model={model}", *TINY, *words, "callbacks.validate.every_steps=0", "name=x")
    for player, rates in wanted.items():
        logged = [row[key] for row in rows("runs/x") if (key := f"learning_rate/{player}") in row]
        np.testing.assert_allclose(logged, np.array(rates) * 1e-4, rtol=1e-5)


def test_a_run_that_goes_on_for_longer_says_what_its_schedule_becomes(genctl: Genctl) -> None:
    genctl.good("train", "model=vae", *TINY, STRAIGHT, "trainer.steps=4", "name=x")
    out = genctl.good("resume", "run=runs/x", "trainer.steps=8").out
    assert "schedules without steps end at step 8 now, instead of 4: optimizer.learning_rate" in out
    assert "optimizer.learning_rate goes on with 0.00101 at step 4; by the old length it was 1e-05" in out
    rates = [row["learning_rate/autoencoder"] for row in rows("runs/x") if row["split"] == "train"]
    np.testing.assert_allclose(rates[3:5], [2e-3 - 1.99e-3 * 3 / 4, 2e-3 - 1.99e-3 * 4 / 8], rtol=1e-5)
    assert "schedules" not in genctl.good("resume", "run=runs/x").out


def test_the_short_form_is_written_in_full_where_a_schedule_fits() -> None:
    settings = {"learning_rate": {"constant": {"value": 1}}, "momentum": {"constant": 0}}
    full = {"_target_": "genctl.config.schedules.constant", "value": 1}
    assert with_schedules(sgd, settings, "optimizer", ()) == settings | {"learning_rate": full}


@pytest.mark.parametrize(
    ("rate", "keys"),
    [(RATE, ["cosine"]), ("optimizer.learning_rate={_target_: genctl.config.schedules.constant}", ["_target_"])],
)
def test_a_schedule_on_the_command_line_replaces_that_of_a_preset(rate: str, keys: list[str]) -> None:
    preset, changed = (compose(Request("train", ["model=gan", *words], []))[0] for words in ([], [rate]))
    assert list(preset.optimizer.learning_rate) == ["linear"]
    assert list(changed.optimizer.learning_rate) == keys


def test_a_misspelt_schedule_is_told_as_such_where_a_preset_has_one(genctl: Genctl) -> None:
    message = genctl.bad("train", "model=gan", "optimizer.learning_rate={cosin: {start: 1e-3, end: 1e-4, steps: 9}}")
    assert "optimizer.learning_rate: write a number or a schedule" in message and "Did you mean 'cosine'?" in message


def test_a_sweep_over_schedules_and_a_file_that_adds_one(genctl: Genctl) -> None:
    words = ("train", "model=gan", *TINY, "trainer.steps=1", "callbacks.validate.every_steps=0")
    two = "optimizer.learning_rate={constant: {value: 0.5}},{cosine: {start: 0.25, end: 0.1, steps: 9}}"
    genctl.good(*words, "-m", two)
    assert sorted(rows(run)[0]["learning_rate/generator"] for run in Path("runs").glob("sweep-*/[!.]*/")) == [0.25, 0.5]


def test_a_schedule_in_a_file_replaces_one_of_another_kind(genctl: Genctl) -> None:
    Path("configs/model").mkdir(parents=True)
    Path("configs/model/mine.yaml").write_text(
        "# @package _global_\ndefaults: [gan]\noptimizer: {learning_rate: {constant: {value: 1}}}\n"
    )
    config = compose(Request("train", ["model=mine"], [Path("configs").resolve()]))[0]
    assert config.optimizer.learning_rate == {"constant": {"value": 1}}
    message = genctl.bad("train", "model=gan", "++optimizer.learning_rate.constant.value=2")
    assert "which replaces the other; got linear and constant." in message


def test_a_schedule_and_a_rollback_multiply_and_outlive_a_stop(genctl: Genctl) -> None:
    Path("shaky.py").write_text(SHAKY)
    shaky = (
        "model._target_=shaky.Shaky",
        "trust=[shaky]",
        "callbacks.validate.every_steps=0",
        "callbacks.checkpoint.every_steps=5",
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
