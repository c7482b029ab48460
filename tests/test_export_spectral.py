"""Normalized weights are exported as plain ones, in every format, to the outputs that genctl gives."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import Genctl
from test_export import alone

import genctl as package
from genctl.cli.verbs.exporting.plain import plain
from genctl.networks.layers.spectral import Spectral

TINY = ("trainer.steps=2", "trainer.batch_size=8", "dataset.limit=40", "callbacks.images.every_steps=0")
SMALL = ("discriminator.filters=[4,6]", "generator=mlp", "generator.units=[8]")
ENCODER = "Flatten,{_target_: keras.layers.SpectralNormalization, layer: {_target_: keras.layers.Dense, units: 8}}"
RUNS = {  # each with the network that has normalized weights
    "sngan": ("discriminator", "model=sngan", *SMALL, "discriminator.units=[5]"),
    "resnet": (
        "discriminator",
        *("model=gan", "discriminator=resnet", "discriminator.normalization=spectral"),
        *SMALL,
    ),
    "conv": (
        "encoder",
        *("model=vae", "encoder.normalization=spectral", "encoder.filters=[4]", "decoder=mlp", "decoder.units=[8]"),
    ),
    "mlp": ("encoder", "model=ae", "encoder=mlp", "encoder.units=[8]", "encoder.normalization=spectral", "decoder=mlp"),
    "listed": ("encoder", "model=ae", "encoder=layers", f"encoder.layers=[{ENCODER}]", "decoder=mlp"),
}
IMAGES = np.random.default_rng(1).integers(0, 256, (12, 8, 8, 1), np.uint8)


def outputs(run: Path, part: str) -> np.ndarray:
    """What genctl itself gives."""
    loaded = package.load(run)
    if part == "encoder":
        return loaded.encode(IMAGES)
    return loaded.networks["discriminator"](loaded.spec.to_unit(IMAGES), training=False).numpy()


def test_files_of_keras_load_without_genctl(genctl: Genctl, trained: Callable[..., Path]) -> None:
    calls, expected = [], {}
    for name, (part, *words) in RUNS.items():
        run = trained(*words, *TINY)
        genctl.good("export", f"run={run}", f"part={part}", f"out=out/{name}")
        file = f"{name}/{part}.keras"
        calls.append((file, "score" if part == "discriminator" else "code", ["image"]))
        expected[file] = outputs(run, part)
    given = alone({"image": IMAGES}, *calls)
    for file, values in expected.items():
        assert np.ptp(values) > 0
        np.testing.assert_allclose(given[file], values, rtol=1e-4, atol=1e-6)


def test_the_other_formats(genctl: Genctl, trained: Callable[..., Path]) -> None:
    pytest.importorskip("tf2onnx")
    calls, expected = [], {}
    for name, kind in (("sngan", "savedmodel"), ("sngan", "tflite"), ("conv", "onnx"), ("listed", "tflite")):
        part, *words = RUNS[name]
        run, out = trained(*words, *TINY), f"{name}-{kind}"
        genctl.good("export", f"run={run}", f"format={kind}", f"part={part}", f"out=out/{out}")
        file = f"{out}/{part}" + ("" if kind == "savedmodel" else f".{kind}")
        calls.append((file, "score" if part == "discriminator" else "code", ["image"]))
        expected[file] = outputs(run, part)
    given = alone({"image": IMAGES}, *calls)
    for file, values in expected.items():
        np.testing.assert_allclose(given[file], values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "make"),
    [
        ((6,), lambda: Spectral(keras.layers.Dense(4, use_bias=False))),
        ((6, 5), lambda: Spectral(keras.layers.Conv1D(4, 3, strides=2, use_bias=False))),
        ((6, 6, 4), lambda: Spectral(keras.layers.Conv2D(4, 3, groups=2, use_bias=False))),
        ((5, 3), lambda: keras.layers.TimeDistributed(Spectral(keras.layers.Dense(4, use_bias=False)))),
        ((5, 3), lambda: keras.layers.TimeDistributed(keras.layers.SpectralNormalization(keras.layers.Dense(4)))),
        ((5,), lambda: keras.layers.SpectralNormalization(keras.layers.SpectralNormalization(keras.layers.Dense(4)))),
        ((5,), lambda: keras.Sequential([keras.layers.Dense(3), Spectral(keras.layers.Dense(4, use_bias=False))])),
    ],
)
def test_wrapped_layers(shape: tuple[int, ...], make: Callable[[], keras.layers.Layer], tmp_path: Path) -> None:
    inputs = keras.Input(shape)
    network = keras.Model(inputs, make()(inputs))
    generator = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(generator.normal(size=weight.shape))
    values = generator.normal(size=(7, *shape)).astype(np.float32)
    network(values, training=True)  # moves u
    plain(network).save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_allclose(loaded(values), network(values), rtol=1e-4, atol=1e-5)
    assert not [layer for layer in loaded._flatten_layers() if "ormaliz" in type(layer).__name__]


def test_a_kernel_is_divided_by_the_sigma_of_one_more_step() -> None:
    inputs = keras.Input((6,))
    layer = Spectral(keras.layers.Dense(4, use_bias=False))
    network = keras.Model(inputs, layer(inputs))
    kernel, u = np.random.default_rng(0).normal(size=(6, 4)), layer.u.numpy().astype(float)
    layer.layer.kernel.assign(kernel)
    layer.bias.assign([1, 2, 3, 4])
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    after = v @ kernel / np.linalg.norm(v @ kernel)
    weights = plain(network).get_weights()
    np.testing.assert_allclose(weights[0], kernel / (v @ kernel @ after.T), rtol=1e-5)
    assert weights[1].tolist() == [1, 2, 3, 4]
    assert (layer.u.numpy() == u.astype(np.float32)).all()
