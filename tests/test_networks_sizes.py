"""Networks that no memory holds are refused before they are made; others are the same as without that check."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from conftest import Genctl

from genctl.errors import UserError
from genctl.networks import conv, mlp, multiscale, resnet, sequential, sizes

IMAGE, CODE = (8, 8, 1), (5,)
COMMON: dict[str, Any] = {"activation": "leaky_relu", "normalization": "batch"}
BUILDERS: dict[str, Callable[[Any], keras.Model]] = {
    "conv.build_conv_down": lambda b: b(IMAGE, CODE, filters=[4, 6], units=(5,), kernel_size=3, dropout=0.1, **COMMON),
    "conv.build_conv_up": lambda b: b(CODE, IMAGE, filters=[4, 6], kernel_size=3, **COMMON),
    "resnet.build_resnet_down": lambda b: b(
        IMAGE, CODE, filters=[4], blocks=2, activation="relu", normalization="spectral"
    ),
    "resnet.build_resnet_up": lambda b: b(CODE, IMAGE, filters=[4], blocks=1, **COMMON),
    "multiscale.build_multiscale_up": lambda b: b(CODE, IMAGE, filters=[4, 6], kernel_size=3, **COMMON),
    "mlp.build_mlp": lambda b: b(IMAGE, CODE, units=[7], dropout=0.1, **COMMON),
}
MODULES = {"conv": conv, "resnet": resnet, "multiscale": multiscale, "mlp": mlp}


def state(network: keras.Model) -> list[np.ndarray]:
    """All weights and seeds, and what the global random state gives next."""
    return [variable.numpy() for variable in network.variables] + [keras.random.uniform((3,)).numpy()]


@pytest.mark.parametrize("name", BUILDERS)
def test_weights_and_seeds_are_those_of_a_network_that_nobody_sized(name: str) -> None:
    module, function = name.split(".")
    build = getattr(MODULES[module], function)
    states = []
    for one in (build, build.__wrapped__):
        keras.utils.set_random_seed(3)
        states.append(state(BUILDERS[name](one)))
    assert len(states[0]) == len(states[1]) > 4
    assert all((ours == keras_own).all() for ours, keras_own in zip(*states, strict=True))


def test_a_chain_of_layers_is_the_one_that_keras_makes_of_them() -> None:
    def chain() -> list[keras.layers.Layer]:
        names = keras.layers
        return [names.Conv2D(3, 3), names.BatchNormalization(), names.Dropout(0.5), names.Flatten(), names.Dense(5)]

    keras.utils.set_random_seed(3)
    ours = sequential.build_sequential(IMAGE, CODE, chain())
    first = state(ours)
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input(IMAGE)
    for layer in chain():
        x = layer(x)
    second = state(keras.Model(inputs, x))
    assert len(first) == len(second)
    assert all((one == other).all() for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("words", "weights", "memory"),
    [
        (
            ("model=vae", "encoder=mlp", "encoder.units=[1000000000]"),
            "encoder: this network has 97,000,000,032",
            "1.4 TiB",
        ),
        (
            ("model=vae", "encoder=conv", "encoder.filters=[10000000]"),
            "encoder: this network has 5,380,000,032",
            "80.2 GiB",
        ),
        (("model=vae", "model.latent_dim=1000000000"), "encoder: this network has 514,000,052,096", "7.5 TiB"),
        (("model=gan", "model.latent_dim=1000000000"), "generator: this network has 256,000,052,673", "3.7 TiB"),
        (("model=ae", "decoder=resnet", "decoder.filters=[100000000]"), "decoder: this network has", "2.5 EiB"),
        (
            ("model=hvae", "model.levels=[8,1000000000]"),
            "model.levels=[8, 1000000000], model.width=40: this",
            "1.2 TiB",
        ),
    ],
)
def test_how_large_a_network_would_be_stands_beside_what_is_free(
    genctl: Genctl, words: tuple[str, ...], weights: str, memory: str
) -> None:
    message = genctl.bad("train", *words, "outputs=runs")
    assert weights in message and f"training it takes {memory}" in message
    assert "of memory are free: make its layers smaller" in message
    assert not Path("runs").exists()


def test_what_was_refused_is_not_made_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sizes, "free_memory", lambda: 1000)
        with pytest.raises(UserError, match="this network has 650 weights, and training it takes 10.2 KiB, but 1000"):
            mlp.build_mlp(IMAGE, (10,), units=[], activation="relu", normalization="none", dropout=0.0)
    made: list[tuple[int, ...]] = []
    patched = keras.Variable._initialize_with_initializer

    def counted(self: keras.Variable, initializer: Any) -> None:
        made.append(tuple(self.shape))
        patched(self, initializer)

    monkeypatch.setattr(keras.Variable, "_initialize_with_initializer", counted)
    mlp.build_mlp(CODE, (3,), units=[], activation="relu", normalization="none", dropout=0.0)
    assert made == [(5, 3), (3,)]


def test_what_a_step_keeps_are_the_inputs_of_layers_with_weights() -> None:
    x = inputs = keras.Input((4, 4, 1))
    for layer in (keras.layers.Conv2D(2, 3, padding="same"), keras.layers.ReLU(), keras.layers.Flatten()):
        x = layer(x)
    network = keras.Model(inputs, keras.layers.Dense(3)(x))
    assert sizes.kept_numbers(network) == 4 * 4 * 1 + 4 * 4 * 2
    assert sizes.kept_numbers(keras.Model(inputs, keras.layers.UpSampling2D(10)(inputs))) == 1600
    outer = keras.Input((4, 4, 1))
    assert sizes.kept_numbers(keras.Model(outer, network(outer))) == 48


def test_a_batch_that_no_memory_holds_is_refused(genctl: Genctl) -> None:
    wide = ("encoder=conv", "encoder.filters=[500000]", "encoder.kernel_size=1", "trainer.batch_size=1400")
    message = genctl.bad("train", "model=vae", *wide, "outputs=runs")
    assert "encoder: a step of training keeps 41.7 GiB of what its layers give for trainer.batch_size=1400" in message
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("encoder.kernel_size=1000", "encoder.kernel_size=1000: should be less than or equal to 64"),
        ("encoder.kernel_size=0", "encoder.kernel_size=0: should be greater than 0"),
        (f"encoder.filters={[8] * 60}", "List should have at most 16 items after validation, not 60"),
        ("encoder.filters=[4294967296]", "encoder.filters[0]=4294967296: should be less than 2147483648"),
        ("encoder.filters=[]", "List should have at least 1 item"),
        (f"encoder.units={[8] * 101}", "at most 100 items"),
        ("encoder.dropout=1", "encoder.dropout=1: should be less than 1"),
        ("decoder=resnet decoder.blocks=100000", "decoder.blocks=100000: should be less than or equal to 100"),
        ("model=iwae model.samples=1000000000", "model.samples=1000000000: should be less than or equal to 10000"),
        ("model.latent_dim=1000000000000000000000", "model.latent_dim=1000000000000000000000: should be less than"),
    ],
)
def test_settings_of_no_use_are_refused(genctl: Genctl, word: str, message: str) -> None:
    words = word.split(" ") if "model=" in word or "=resnet" in word else [word]
    assert message in genctl.bad("train", "model=vae", "outputs=runs", *words)
    assert not Path("runs").exists()


def test_as_many_levels_as_there_may_be_are_a_network() -> None:
    network = conv.build_conv_down(IMAGE, CODE, filters=[2] * 16, kernel_size=3, dropout=0.0, **COMMON)
    assert network.output_shape == (None, 5)
