"""How a discriminator is taught: games and boundaries, smoothing, noise, turns, lazy penalties, and projection."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from conftest import Genctl, newest_weights, rows

from genctl.compute.context import Noise, StepContext
from genctl.errors import UserError
from genctl.objectives.adversarial import ADVERSARIAL
from genctl.runs import checkpoint
from genctl.strategies.gan import GAN
from genctl.strategies.parts.game import Game, diversity
from genctl.strategies.parts.strategy import Batch
from genctl.strategies.players.optimizers import Optimizer
from genctl.strategies.players.player import Loss, Player

DEFAULTS = yaml.safe_load((Path(__file__).parents[1] / "configs" / "model" / "_game.yaml").read_text())["model"]
REAL = np.array([[0.5], [-1.0], [0.6], [3.0]], np.float32)
FAKE = np.array([[0.2], [2.0], [-1.5], [0.7]], np.float32)
CONTEXT = StepContext(0, "train", Noise(seed=0))


def game(**changes: Any) -> Game:
    return Game(**{**DEFAULTS, **changes})


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.log1p(np.exp(-x))


CLOSED_FORMS = {  # of both losses
    "non_saturating": (-log_sigmoid(REAL).mean() - log_sigmoid(-FAKE).mean(), -log_sigmoid(FAKE).mean()),
    "minimax": (-log_sigmoid(REAL).mean() - log_sigmoid(-FAKE).mean(), log_sigmoid(-FAKE).mean()),
    "least_squares": (((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2, ((FAKE - 1) ** 2).mean() / 2),
    "hinge": (np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean(), -FAKE.mean()),
    "wasserstein": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
}
BOUNDARIES = dict.fromkeys(ADVERSARIAL, 0.0) | {
    "least_squares": 0.5,
    "wasserstein": (REAL.mean() + FAKE.mean()) / 2,
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_each_game_by_its_equations(name: str) -> None:
    discriminator, generator = CLOSED_FORMS[name]
    loss, logs = game(adversarial=name).discriminator_loss(lambda scores: scores, REAL, FAKE, CONTEXT, training=True)
    assert float(loss) == pytest.approx(discriminator, rel=1e-5)
    assert float(game(adversarial=name).generator_loss(lambda scores: scores, FAKE, CONTEXT)[0]) == pytest.approx(
        generator, rel=1e-5
    )
    assert float(logs["discriminator/real_accuracy"]) == (BOUNDARIES[name] < REAL).mean()
    assert float(logs["discriminator/fake_accuracy"]) == (BOUNDARIES[name] > FAKE).mean()


def test_smoothed_labels_are_one_sided() -> None:
    expected = {
        "non_saturating": -(0.9 * log_sigmoid(REAL) + 0.1 * log_sigmoid(-REAL)).mean() - log_sigmoid(-FAKE).mean(),
        "least_squares": ((REAL - 0.9) ** 2).mean() / 2 + (FAKE**2).mean() / 2,
    }
    for name, value in expected.items():
        smooth = game(adversarial=name, label_smoothing=0.1)
        loss, _ = smooth.discriminator_loss(lambda scores: scores, REAL, FAKE, CONTEXT, training=True)
        assert float(loss) == pytest.approx(value, rel=1e-5)


def test_instance_noise_follows_its_schedule_and_is_another_for_real_and_fake() -> None:
    noisy, seen = game(instance_noise=lambda now: 0.5 / (1.0 + now.step)), []

    def score(images: tf.Tensor) -> tf.Tensor:
        seen.append(images.numpy())
        return images

    zeros = tf.zeros((10_000, 1))
    _, logs = noisy.discriminator_loss(score, zeros, zeros, StepContext(1, "train", Noise(0)), training=True)
    assert logs["instance_noise"] == 0.25
    assert [images.std() for images in seen] == pytest.approx([0.25, 0.25], rel=0.05)
    assert abs(np.corrcoef(seen[0][:, 0], seen[1][:, 0])[0, 1]) < 0.05


def test_a_turn_has_a_batch_and_noise_of_its_own() -> None:
    batch = {"image": tf.range(12), "label": 10 * tf.range(12)}
    turns = game(n_critic=3).turns(batch, CONTEXT)
    parts = [part["image"].numpy().tolist() for part, _ in turns]
    assert sorted(sum(parts, [])) == list(range(12)) and [len(part) for part in parts] == [4, 4, 4]
    assert all((part["label"].numpy() == 10 * part["image"].numpy()).all() for part, _ in turns)
    draws = [float(context.noise.normal("z", (1,))[0]) for context in (CONTEXT, *(now for _, now in turns))]
    assert len(set(draws)) == 4


class Line:
    """A generator that gives its weight g, and a discriminator with the score d x; both learn by gradient descent."""

    def __init__(self) -> None:
        self.g, self.d = (keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]) for _ in "gd")
        self.g.layers[0].kernel.assign([[2.0]])
        self.d.layers[0].kernel.assign([[3.0]])
        self.generator_player, self.discriminator_player = (
            Player("one", network, optimizer=Optimizer(keras.optimizers.SGD(), 0.1)) for network in (self.g, self.d)
        )
        self.game = game(n_critic=2)
        self.made: list[int] = []

    def generate(self, batch: Batch, context: StepContext, training: bool) -> tf.Tensor:
        self.made.append(int(batch["image"].shape[0]))
        return self.g(tf.ones_like(batch["image"]))

    def discriminator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext, training: bool) -> Loss:
        return tf.reduce_mean(self.d(fake)) - tf.reduce_mean(self.d(batch["image"])), {}

    def generator_loss(self, batch: Batch, fake: tf.Tensor, context: StepContext) -> Loss:
        return -tf.reduce_mean(tf.square(self.d(fake))) / 2, {}


def test_the_generator_is_judged_by_the_discriminator_of_the_last_turn_on_what_was_made_for_that() -> None:
    line = Line()
    batch = {"image": tf.constant([[1.0], [4.0], [1.0], [4.0]])}  # parts of the turns: ones, then fours
    tf.function(lambda: GAN.step(line, batch, CONTEXT))()  # type: ignore[arg-type]
    assert line.made == [2, 2], "one pass of the generator for each turn, and none for the generator's"
    d = 3.0 - 0.1 * (2.0 - 1.0) - 0.1 * (2.0 - 4.0)
    assert line.d.get_weights()[0][0, 0] == pytest.approx(d, rel=1e-6)
    assert line.g.get_weights()[0][0, 0] == pytest.approx(2.0 + 0.1 * d**2 * 2.0, rel=1e-6)


def test_a_penalty_now_and_then_counts_as_often_as_it_is_left_out() -> None:
    lazy = game(penalty="r1", penalty_weight=2.0, penalty_every_steps=4)

    @tf.function
    def penalised(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        weight = tf.constant([[3.0]])
        context = StepContext(step, "train", Noise(0))
        loss, logs = lazy.discriminator_loss(lambda x: x @ weight, tf.constant(REAL), tf.constant(FAKE), context, True)
        return loss - logs["discriminator/loss"], tf.gradients(loss - logs["discriminator/loss"], weight)[0]

    values = [[float(tf.squeeze(part)) for part in penalised(tf.constant(step))] for step in range(5)]
    once = [4 * 2 * 3.0**2 / 2, 4 * 2 * 3.0]  # R1 is half the squared slope
    assert values == [once, [0, 0], [0, 0], [0, 0], once]


def test_a_projection_scores_an_image_with_its_label() -> None:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1 + 2)])
    label = tf.constant([[0.0, 1.0], [1.0, 0.0]])
    images = tf.constant([[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]])
    kernel, bias = network.layers[0].get_weights()
    outputs = images.numpy() @ kernel + bias
    expected = outputs[:, 0] + [outputs[0, 2], outputs[1, 1]]
    scores = game(condition_by="projection").score(network, label, training=False)(images)
    assert scores.shape == (2, 1)
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-5)


def test_diversity_compares_distances_between_pairs() -> None:
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(5, 2, 3)), 0.3 * generator.normal(size=(5, 2, 3))
    squares = [sum(np.square(a - b).sum() for a in images for b in images) for images in (fake, real)]
    assert float(diversity(tf.constant(real), tf.constant(fake))) == pytest.approx((squares[0] / squares[1]) ** 0.5)


def network(input_shape: tuple[int, ...], output_shape: tuple[int, ...], batch_norm: bool = False) -> keras.Model:
    layers = [keras.layers.BatchNormalization()] if batch_norm else []
    return keras.Sequential([keras.Input(input_shape), *layers, keras.layers.Dense(output_shape[0])])


def test_clipped_weights_stay_within_their_bound() -> None:
    clipped = game(clip_weights=0.01, discriminator_learning_rate=5.0)  # more than any weight is at first
    player = clipped.discriminator_player(
        network((3,), (1,)), optimizer=lambda learning_rate: Optimizer(keras.optimizers.SGD(), learning_rate)
    )

    @tf.function
    def step() -> None:
        player.minimize(tf.reduce_sum(player.weights[0].value), {}, CONTEXT)

    step()
    assert (player.weights[0].numpy() == np.float32(-0.01)).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalty_weight": 3.0}, "model.penalty_weight=3.0 has no use with model.penalty=none"),
        ({"penalty_every_steps": 4}, "model.penalty_every_steps=4 has no use with model.penalty=none"),
        ({"adversarial": "hinge", "label_smoothing": 0.1}, "model.adversarial=hinge has no labels"),
    ],
)
def test_settings_without_a_use_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        game(**changes)


def test_networks_that_cannot_play_are_refused() -> None:
    with pytest.raises(UserError, match="needs labels: say model.conditional=true too"):
        game(condition_by="projection").discriminator(network, (3,), label_dim=0)
    with pytest.raises(UserError, match="use discriminator.normalization=group"):
        game(penalty="gradient_penalty").discriminator(
            lambda **shapes: network(**shapes, batch_norm=True), (3,), label_dim=0
        )


TINY = (
    *("generator=mlp", "generator.units=[8]", "discriminator=mlp", "discriminator.units=[8]"),
    *("dataset.limit=64", "outputs=runs", "callbacks.images.every_steps=0", "callbacks.validate.every_steps=0"),
)


@pytest.mark.parametrize("model", ["wgan", "aegan_dense"])
def test_every_turn_has_a_fresh_batch(genctl: Genctl, model: str) -> None:
    """A step of five turns takes 125 images: three epochs of the 64 that train are two steps."""
    words = ("train", f"model={model}", "model.n_critic=5", *TINY, "trainer.batch_size=25", "trainer.xla=false")
    genctl.good(*words, "trainer.epochs=3", "name=x")
    assert json.loads(Path("runs/x/summary.json").read_text())["steps"] == 2


def test_labels_that_the_data_have_not_are_named(genctl: Genctl) -> None:
    np.savez("images.npz", images=np.zeros((40, 4, 4), np.uint8))
    message = genctl.bad(
        "train", "model=cgan", "dataset=npz", "dataset.path=images.npz", *TINY, "trainer.batch_size=16"
    )
    assert "model.conditional=true needs labels, and data set 'images' has none" in message


def test_a_wgan_gp_continues_bit_for_bit_and_its_critic_takes_its_turns(genctl: Genctl) -> None:
    words = (
        "train",
        "model=wgan_gp",
        *TINY,
        "trainer.batch_size=20",
        "trainer.xla=false",
        "callbacks.log.every_steps=1",
    )
    words += (
        "optimizer.learning_rate=1e-3",
        "model.n_critic=2",
        "model.penalty_every_steps=3",
        "model.instance_noise=0.1",
    )
    genctl.good(*words, "discriminator.normalization=spectral", "name=whole", "trainer.steps=8")
    genctl.good(*words, "discriminator.normalization=spectral", "name=parts", "trainer.steps=5")
    genctl.good("resume", "run=runs/parts", "trainer.steps=8")
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert Path("runs/parts/metrics.jsonl").read_bytes() == Path("runs/whole/metrics.jsonl").read_bytes()
    penalties = [row["discriminator/penalty"] for row in rows("runs/whole") if row["split"] == "train"]
    assert [value > 0 for value in penalties] == [True, False, False, True, False, False, True, False]
    arrays = checkpoint.newest(Path("runs/whole/checkpoints")).arrays
    assert arrays["players/discriminator/000"] == 2 * 8 and arrays["players/generator/000"] == 8, "updates"
