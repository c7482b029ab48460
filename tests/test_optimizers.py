"""How players move: accumulation, clipping, Lion, running averages, and gradients that are not finite."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, newest_arrays, rows, tiny

import genctl as package
from genctl.cli.composition import Request, compose
from genctl.compute.context import Noise, StepContext
from genctl.config import paths
from genctl.runs import checkpoint
from genctl.strategies.players.optimizers import Optimizer
from genctl.strategies.players.player import Player

QUICK = ("outputs=runs", "callbacks.images.every_steps=0", "trainer.xla=false")
AE = ("train", "model=ae_dense", *QUICK, "callbacks.validate.every_steps=0")
EACH = ("callbacks.checkpoint.every_steps=1", "callbacks.checkpoint.keep=9", "callbacks.log.every_steps=1")
SGD = ("optimizer=sgd", "optimizer.momentum=0")


def weights(run: str, step: int) -> np.ndarray:
    """All weights of the encoder and of the decoder after a step, as one vector."""
    arrays = checkpoint.load(Path(run, "checkpoints", f"step-{step:09d}")).arrays
    roles = ("networks/encoder/", "networks/decoder/")
    return np.concatenate([arrays[name].ravel() for role in roles for name in sorted(arrays) if name.startswith(role)])


def test_an_optimizer_that_is_asked_for_replaces_the_models_own() -> None:
    def optimizer(model: str) -> dict:
        return compose(Request("train", (f"model={model}", "optimizer=sgd"), ()))[0].optimizer

    assert {model for model in paths.options("model", paths.builtin()) if optimizer(model) != optimizer("ae")} == set()


def test_four_batches_of_32_are_one_of_128(genctl: Genctl) -> None:
    genctl.good(*AE, *SGD, "name=one", "trainer.batch_size=128", "trainer.steps=2")
    parts = ("optimizer.accumulate=4", "trainer.batch_size=32", "trainer.steps=8")
    genctl.good(*AE, *SGD, "name=four", *parts, *EACH, "callbacks.checkpoint.keep=99")
    assert (weights("runs/four", 7) == weights("runs/four", 4)).all()
    np.testing.assert_allclose(weights("runs/four", 8), weights("runs/one", 2), rtol=1e-5, atol=1e-6)


def test_the_accumulated_gradient_is_clipped_and_not_its_parts(genctl: Genctl) -> None:
    clip = ("optimizer.clip_norm=1e-2", "optimizer.learning_rate=0.5")
    genctl.good(*AE, *SGD, *EACH, "name=one", *clip, "trainer.batch_size=64", "trainer.steps=2")
    parts = ("optimizer.accumulate=2", "trainer.batch_size=32", "trainer.steps=4")
    genctl.good(*AE, *SGD, *EACH, "name=two", *clip, *parts)
    assert all(row["gradient_norm/autoencoder"] > 1 for row in rows("runs/one"))
    for run, before, after in (("runs/one", 1, 2), ("runs/two", 2, 4)):
        assert np.linalg.norm(weights(run, after) - weights(run, before)) == pytest.approx(0.5e-2, rel=1e-2)
    np.testing.assert_allclose(weights("runs/two", 4), weights("runs/one", 2), atol=1e-6)


def test_a_norm_below_the_limit_is_left_alone(genctl: Genctl) -> None:
    for name, limit in (("free", "null"), ("wide", "1e6")):
        genctl.good(*AE, *SGD, *EACH, f"name={name}", f"optimizer.clip_norm={limit}", "trainer.steps=2")
    np.testing.assert_allclose(weights("runs/wide", 2), weights("runs/free", 2), rtol=1e-6)
    moved = np.linalg.norm(weights("runs/free", 2) - weights("runs/free", 1)) / 1e-2
    assert rows("runs/free")[1]["gradient_norm/autoencoder"] == pytest.approx(moved, rel=1e-3)


def test_lion_moves_every_weight_by_the_learning_rate_and_its_decay(genctl: Genctl) -> None:
    lion = ("optimizer=lion", "optimizer.learning_rate=1e-3", "optimizer.weight_decay=0.5")
    genctl.good(*AE, *EACH, "name=x", *lion, "trainer.steps=2")
    before, after = weights("runs/x", 1), weights("runs/x", 2)
    moves = np.abs(after - before * (1 - 0.5e-3))
    assert (np.isclose(moves, 1e-3, atol=1e-6) | (moves < 1e-6)).all() and np.isclose(
        moves, 1e-3, atol=1e-6
    ).mean() > 0.5


def test_the_running_average_is_what_validation_and_samples_see(genctl: Genctl) -> None:
    vae = ("train", "model=vae_dense", "outputs=runs", "callbacks.images.every_steps=0", "trainer.steps=2", *EACH)
    for name, halflife in (("plain", 0), ("average", 50 * 128)):
        genctl.good(*vae, f"name={name}", f"model.ema_halflife={halflife}", "optimizer.learning_rate=1e-2")
        genctl.good("sample", f"run=runs/{name}", "n=2")
    plain, average = rows("runs/plain"), rows("runs/average")
    assert plain[:2] == average[:2] and plain[2] != average[2] and plain[2]["split"] == "validation"
    assert (weights("runs/plain", 2) == weights("runs/average", 2)).all()
    assert (np.load("runs/plain/samples.npz")["samples"] != np.load("runs/average/samples.npz")["samples"]).any()
    arrays = checkpoint.load(Path("runs/average/checkpoints/step-000000002")).arrays
    kept = [name for name in sorted(arrays) if name.startswith("players/")]
    count = sum(name.startswith("networks/") for name in arrays)
    mean = np.concatenate([arrays[name].ravel() for name in kept[-count:]])
    np.testing.assert_allclose(mean, (weights("runs/plain", 1) + weights("runs/plain", 2)) / 2, atol=1e-6)


def test_the_average_counts_updates_and_not_turns() -> None:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    optimizer = Optimizer(keras.optimizers.SGD(), learning_rate=1.0, accumulate=2)
    player = Player("only", network, optimizer=optimizer, ema_halflife=9)
    weight = player.weights[0]

    @tf.function
    def turn() -> None:
        player.minimize(tf.reduce_sum(weight.value), {}, StepContext(0, "train", Noise(0, 0)))

    seen = []
    for _ in range(5):
        turn()
        with player.averaged():
            seen.append(float(weight.numpy().squeeze()))
    assert seen == [1, 0, 0, -0.5, -0.5]


STEEP = """
import tensorflow as tf
from genctl.strategies.ae import AE

class Steep(AE):
    def loss(self, batch, noise, training):
        loss, logs, code = super().loss(batch, noise, training)
        return loss + tf.sqrt(tf.where(noise.step == {step}, 0 * loss, 1.0)), logs, code  # sqrt(0) is infinitely steep
"""


@pytest.mark.parametrize(
    ("step", "every_steps", "found", "kept"),
    [
        (0, 1, "gradient_norm/autoencoder is not finite at step 1", []),  # logged
        (1, 2, "gradient_norm/autoencoder is not finite at step 2", []),  # where a checkpoint is due
        (
            2,
            2,
            "loss, reconstruction, gradient_norm/autoencoder is not finite at step 4",
            ["step-000000002"],
        ),  # which nothing looks at
        (5, 4, "gradient_norm/autoencoder is not finite at step 6", ["step-000000004"]),  # the last
    ],
)
def test_a_gradient_that_is_not_finite_stops_the_run_before_a_checkpoint_holds_it(
    step: int, every_steps: int, found: str, kept: list[str], genctl: Genctl
) -> None:
    Path(f"steep_{step}.py").write_text(STEEP.format(step=step))  # Python imports a name once
    steep = (
        f"model._target_=steep_{step}.Steep",
        f"trust=[steep_{step}]",
        f"callbacks.checkpoint.every_steps={every_steps}",
    )
    message = genctl.bad(*AE, *steep, "name=x", "trainer.steps=6")
    assert f"error: {found} (phase train)" in message
    assert [path.name for path in Path("runs/x/checkpoints").glob("step-*")] == kept


@pytest.mark.parametrize("words", [(*tiny("vae"), "trainer.xla=true"), (*tiny("gan"), "optimizer.clip_norm=0.1")])
def test_how_often_is_logged_changes_no_bit(words: tuple[str, ...], genctl: Genctl) -> None:
    """Norms of gradients are computed at the steps alone that are logged, and at those of checkpoints."""
    for every in (1, 50):
        genctl.good("train", *words, f"name=every_{every}", "trainer.steps=60", f"callbacks.log.every_steps={every}")
    often, seldom = newest_arrays("runs/every_1"), newest_arrays("runs/every_50")
    assert all((often[name] == seldom[name]).all() for name in often if not name.startswith("logs/"))
    norms = [
        {row["step"]: norms_of(row) for row in rows(f"runs/every_{every}") if row["split"] == "train"}
        for every in (1, 50)
    ]
    assert list(norms[1]) == [50, 60] and all(norms[1][step] == norms[0][step] for step in (50, 60))


def norms_of(row: dict) -> dict[str, float]:
    """The norms of gradients in a line of metrics.jsonl, none of which is 0."""
    norms = {name: value for name, value in row.items() if name.startswith("gradient_norm/")}
    assert norms and all(norms.values())
    return norms


def test_moments_of_batch_normalization_are_those_of_the_averaged_weights(genctl: Genctl) -> None:
    genctl.good("train", "model=gan", "dataset=digits", "trainer.steps=100", "name=gan", *QUICK)
    stored = checkpoint.newest(Path("runs/gan/checkpoints")).arrays
    generator = package.load("runs/gan").networks["generator"]
    norm = [layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization)][-1]
    codes = np.random.default_rng(0).standard_normal((5000, *generator.input_shape[1:])).astype(np.float32)
    activations = np.asarray(keras.Model(generator.inputs, norm.input)(codes)).reshape(-1, norm.gamma.shape[0])
    mean, deviation = activations.mean(0), activations.std(0)

    def distance(moments: np.ndarray) -> float:
        return float(np.abs((moments - mean) / deviation).max())

    own = [value for name, value in sorted(stored.items()) if "generator" in name and name.endswith("moving_mean")][-1]
    assert distance(norm.moving_mean.numpy()) < 0.05 < distance(own)
    np.testing.assert_allclose(np.sqrt(norm.moving_variance), deviation, rtol=0.05)
