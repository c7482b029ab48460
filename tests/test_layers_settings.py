"""What a list of Keras layers and an optimizer of Keras may say in YAML has the effect that Keras gives it."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl

import genctl as library

TINY = ("train", "trainer.batch_size=16", "dataset.limit=40", "outputs=runs", "callbacks.images.every_steps=0")
DENSE = "[{Dense: {units: 8, kernel_regularizer: {_target_: keras.regularizers.L2, l2: %s}}}]"
NADAM = """_target_: genctl.strategies.players.Optimizer
rule: {_target_: keras.optimizers.Nadam, beta_1: 0.8}
learning_rate: 1e-3
clip_norm: null
accumulate: 1
"""


def kernel(run: str) -> np.ndarray:
    return library.load(run).networks["encoder"].get_weights()[0]


def test_a_regularizer_of_a_layer_shrinks_its_weights(genctl: Genctl) -> None:
    for name, strength in (("free", 0.0), ("held", 10.0)):
        layers = ("encoder=layers", f"encoder.layers={DENSE % strength}")
        genctl.good(*TINY, "model=ae_dense", "model.prior=none", "trainer.steps=300", *layers, f"name={name}")
    assert np.abs(kernel("runs/held")).mean() < 0.2 * np.abs(kernel("runs/free")).mean()


def test_a_constraint_of_a_layer_holds_after_every_step(genctl: Genctl) -> None:
    layers = "[{Dense: {units: 8, kernel_constraint: {_target_: keras.constraints.NonNeg}}}]"
    genctl.good(*TINY, "model=ae_dense", "trainer.steps=20", "encoder=layers", f"encoder.layers={layers}", "name=x")
    assert kernel("runs/x").min() == 0 < kernel("runs/x").max()


def test_an_initializer_of_a_layer_is_built(genctl: Genctl) -> None:
    layers = "[{Dense: {units: 8, kernel_initializer: {_target_: keras.initializers.Constant, value: 0.25}}}]"
    genctl.good(
        *TINY, "model=ae_dense", "trainer.steps=1", "optimizer.learning_rate=1e-9", "encoder=layers",
        f"encoder.layers={layers}", "name=x",
    )  # fmt: skip
    np.testing.assert_allclose(kernel("runs/x"), 0.25, atol=1e-6)


def test_an_optimizer_of_keras_moves_the_weights_at_the_configs_rate(genctl: Genctl) -> None:
    Path("configs/optimizer").mkdir(parents=True)
    Path("configs/optimizer/nadam.yaml").write_text(NADAM)
    words = (*TINY, "model=ae_dense", "optimizer=nadam", "trainer.steps=2")
    genctl.good(*words, "name=moved")
    genctl.good(*words, "name=still", "optimizer.learning_rate=1e-12")
    moved, still = kernel("runs/moved"), kernel("runs/still")
    assert 1e-4 < np.abs(moved - still).max() < 1e-2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{class_name: Lambda, config: {}}", "encoder.layers[0].kernel_regularizer={'class_name': 'Lambda', 'config'"),
        ("{_target_: keras.layers.Lambda, function: x}", "keras.layers.Lambda: this name is not on genctl's list"),
        ("{_target_: genctl.training.Log, every_steps: 1}", "genctl.training.Log: it may not stand here"),
        ("{_target_: keras.regularizers.L2, l2: .inf}", "kernel_regularizer.l2=inf: should be a finite number"),
        ("{_target_: keras.regularizers.L3}", "keras.regularizers.L3: this name is not on genctl's list"),
        ("{_target_: keras.regularizers.L2, l3: 1}", "kernel_regularizer (L2): no argument 'l3'"),
    ],
)
def test_other_objects_are_refused(genctl: Genctl, value: str, message: str) -> None:
    Path("configs/encoder").mkdir(parents=True)
    text = f"_target_: genctl.networks.build_sequential\nlayers:\n- Dense: {{units: 8, kernel_regularizer: {value}}}\n"
    Path("configs/encoder/mine.yaml").write_text(text)
    assert message in genctl.bad(*TINY, "trainer.steps=1", "encoder=mine")
