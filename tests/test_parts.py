"""The parts that numbers depend on, against closed forms and definitions."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import FACTS

from genctl.compute.context import Noise, StepContext
from genctl.data.order import Order
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.networks import conv, mlp, resnet
from genctl.objectives.adversarial import cross_entropy, non_saturating
from genctl.objectives.likelihoods import LIKELIHOODS
from genctl.objectives.normal import standard_normal_kl
from genctl.runs import checkpoint
from genctl.runs.grids import grid, pairs
from genctl.strategies.parts.strategy import Strategy, attach
from genctl.strategies.players.optimizers import Optimizer
from genctl.strategies.players.player import Player


def test_kl_against_numerical_integration() -> None:
    mean, log_variance = 0.7, -0.9
    z = np.linspace(-12, 12, 200_001)
    q = np.exp(-((z - mean) ** 2) / (2 * np.exp(log_variance))) / np.sqrt(2 * np.pi * np.exp(log_variance))
    log_ratio = np.log(q + 1e-300) + z**2 / 2 + np.log(2 * np.pi) / 2
    expected = np.trapezoid(q * log_ratio, z)
    computed = standard_normal_kl(tf.constant([[mean, mean]]), tf.constant([[log_variance, log_variance]]))
    np.testing.assert_allclose(computed, [2 * expected], rtol=1e-5)


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_densities_integrate_to_one(name: str) -> None:
    intensity = np.linspace(-3, 4, 100_001, dtype=np.float32)
    losses = LIKELIHOODS[name].loss(tf.constant(2 * intensity[:, None] - 1), tf.fill((len(intensity), 1), 0.4))
    assert np.trapezoid(np.exp(-losses.numpy().astype(float)), intensity) == pytest.approx(1, abs=1e-4)


def test_bernoulli_probabilities_sum_to_one_and_its_image_is_the_mean() -> None:
    parameters = tf.constant([[0.3], [0.3]])
    losses = LIKELIHOODS["bernoulli"].loss(tf.constant([[-1.0], [1.0]]), parameters)
    assert np.exp(-losses.numpy()).sum() == pytest.approx(1)
    mean = np.exp(-losses.numpy())[1]
    assert LIKELIHOODS["bernoulli"].image(parameters).numpy()[0, 0] == pytest.approx(2 * mean - 1)


@pytest.mark.parametrize(("name", "expected"), [("squared_error", 2 * 0.25), ("absolute_error", 2 * 0.5)])
def test_errors_are_summed_over_an_example(name: str, expected: float) -> None:
    losses = LIKELIHOODS[name].loss(tf.ones((3, 1, 2)), tf.zeros((3, 1, 2)))
    np.testing.assert_allclose(losses, [expected] * 3)


def test_adversarial_losses_by_their_equations() -> None:
    real, fake = np.array([[0.5], [-1.0]], np.float32), np.array([[0.2], [2.0]], np.float32)
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    expected = -np.log(d_real).mean() - np.log(1 - d_fake).mean()
    assert cross_entropy(tf.constant(real), tf.constant(fake)).numpy() == pytest.approx(expected, rel=1e-5)
    assert non_saturating(tf.constant(fake)).numpy() == pytest.approx(-np.log(d_fake).mean(), rel=1e-5)


def test_noise_depends_on_seed_step_name_and_purpose_alone() -> None:
    draw = Noise(1, 2).normal("z", (4,)).numpy()
    assert (draw == Noise(1, tf.constant(2, tf.int64)).normal("z", (4,)).numpy()).all()
    for other in (Noise(2, 2), Noise(1, 3), Noise(1, 2, "validation")):
        assert (draw != other.normal("z", (4,)).numpy()).all()
    assert (draw != Noise(1, 2).normal("y", (4,)).numpy()).all()


def test_every_epoch_is_a_permutation_of_its_own_and_batches_span_epochs() -> None:
    order = Order(examples=10, batch_size=4, seed=3)
    sequence = order.indices(0, 5).ravel()
    first, second = sequence[:10], sequence[10:]
    assert sorted(first) == sorted(second) == list(range(10)) and (first != second).any()
    assert (order.indices(2, 2) == order.indices(0, 5)[2:4]).all()
    assert (Order(10, 4, seed=4).indices(0, 5).ravel() != sequence).any()


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 1), (7, 13, 3), (28, 28, 1), (33, 5, 2)])
def test_networks_give_the_shape_that_is_asked_for(shape: tuple[int, int, int]) -> None:
    common = {"activation": "relu", "normalization": "group"}
    down = [
        conv.build_conv_down(shape, (5,), filters=[4, 6], units=(5,), kernel_size=3, dropout=0.1, **common),
        resnet.build_resnet_down(shape, (5,), filters=[4, 6], blocks=2, **common),
        mlp.build_mlp(shape, (5,), units=[7], dropout=0.1, **common),
    ]
    up = [
        conv.build_conv_up((5,), shape, filters=[6, 4], units=(5,), kernel_size=3, **common),
        resnet.build_resnet_up((5,), shape, filters=[6, 4], blocks=1, **common),
        mlp.build_mlp((5,), shape, units=[], dropout=0.0, **common),
    ]
    assert [network.output_shape for network in down] == [(None, 5)] * 3
    assert [network.output_shape for network in up] == [(None, *shape)] * 3


def test_labels_become_features_or_channels() -> None:
    label = tf.constant([[0.0, 1.0], [1.0, 0.0]])
    assert attach(tf.zeros((2, 3)), label).numpy().tolist() == [[0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]
    image = attach(tf.zeros((2, 4, 5, 1)), label).numpy()
    assert image.shape == (2, 4, 5, 3) and (image[0, ..., 2] == 1).all() and (image[0, ..., 1] == 0).all()
    assert attach(tf.zeros((2, 3)), tf.zeros((2, 0))).shape == (2, 3)


def linear_player(ema_halflife: int) -> tuple[Player, keras.Model]:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    optimizer = Optimizer(keras.optimizers.SGD(), learning_rate=1.0)
    return Player("only", network, optimizer=optimizer, ema_halflife=ema_halflife), network


def test_a_player_moves_its_own_weights_and_keeps_their_average() -> None:
    player, network = linear_player(ema_halflife=1)
    other = tf.Variable(1.0)
    weight = player.weights[0]

    @tf.function
    def step() -> None:
        context = StepContext(0, "train", Noise(0, 0))
        player.minimize(tf.reduce_sum(weight.value) + other, {}, context)  # the gradient is 1: one less a step

    seen = []
    for _ in range(4):
        step()
        seen.append(float(weight.numpy().squeeze()))
    assert seen == [0, -1, -2, -3] and other.numpy() == 1
    expected = 0.0  # first the plain mean, then half of each step: 0, -1/2, -5/4, -17/8
    for step, value in enumerate(seen, start=1):
        expected += max(0.5, 1 / step) * (value - expected)
    with player.averaged():
        assert weight.numpy().squeeze() == pytest.approx(expected)
    assert weight.numpy().squeeze() == -3


def test_the_average_counts_only_once_it_has_begun() -> None:
    player, _ = linear_player(ema_halflife=5)
    with player.averaged():
        assert player.weights[0].numpy().squeeze() == 1


def test_stored_values_come_back_in_the_units_of_the_data() -> None:
    image = Spec("x", (2, 2, 1)).to_own(np.array([-1, -0.5, 0.5, 2.0]).reshape(1, 2, 2, 1))
    assert image.ravel().tolist() == [0, 64, 191, 255]
    vector = Spec("v", (2,), low=(0.0, 10.0), high=(1.0, 30.0))
    assert vector.to_own(np.array([[0.0, 1.0]])).tolist() == [[0.5, 30.0]]
    assert Spec.from_json(vector.to_json() | {"low": [0.0, 10.0]}) == vector


def test_a_grid_holds_every_image_and_pairs_stand_side_by_side() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(48, 1).repeat(48, 2) * 10 + 100
    picture = np.asarray(grid(images))
    assert set(np.unique(picture)) == {40, 100, 110, 120, 130, 140}
    both = np.asarray(pairs(images[:1], images[1:2]))
    assert both.shape == (52, 102) and both[20, 20] == 100 and both[20, 75] == 110


def test_a_checkpoint_comes_back_exactly_and_damage_is_seen(tmp_path: Path) -> None:
    arrays = {"a": np.float32(3).reshape(()), "b": np.arange(6, dtype=np.int64).reshape(2, 3), "c": np.array([True])}
    path = checkpoint.save(tmp_path, 7, arrays, FACTS)
    loaded = checkpoint.load(path)
    assert loaded.facts == FACTS and loaded.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded.arrays[name].dtype == array.dtype and loaded.arrays[name].shape == array.shape
        assert (loaded.arrays[name] == array).all()
    for file in sorted(path.iterdir()):
        content = file.read_bytes()
        file.write_bytes(content[:-1])
        with pytest.raises(checkpoint.Damaged):
            checkpoint.load(path)
        file.write_bytes(content)


def test_old_checkpoints_go_and_the_best_stays(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4, 5):
        checkpoint.save(tmp_path, step, {"a": np.zeros(1)}, FACTS)
    checkpoint.prune(tmp_path, step=5, keep=2, best_step=2)
    assert [path.name[-1] for path in checkpoint.steps(tmp_path)] == ["2", "4", "5"]
    checkpoint.prune(tmp_path, step=4, keep=1, best_step=None)  # 5 lies beyond, so it cannot be relied on
    assert [path.name[-1] for path in checkpoint.steps(tmp_path)] == ["4", "5"]


class Hidden(Strategy):
    """One player of a network that it does or does not declare."""

    def __init__(self, declares: bool) -> None:
        super().__init__(Spec("x", (2,)), conditional=False)
        player, self.hidden = linear_player(ema_halflife=0)
        self.declare(player, **({"mine": self.hidden} if declares else {}))


def test_a_player_of_a_network_that_no_checkpoint_would_hold_is_refused() -> None:
    declared = Hidden(declares=True)
    assert [*declared.networks] == ["mine"] and [*declared.players] == ["only"]
    with pytest.raises(UserError, match=r"Hidden: player 'only' has weights of a network that is not declared"):
        Hidden(declares=False)


def test_networks_of_levels_are_numbered() -> None:
    strategy = Hidden(declares=True)
    strategy.declare(encoders=[strategy.hidden, strategy.hidden], decoder=strategy.hidden)
    assert [*strategy.networks] == ["mine", "encoders_0", "encoders_1", "decoder"]
