"""Networks of many kinds: exported as they are, or refused in one message that leaves nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl
from test_export import alone

import genctl as package

TINY = ("trainer.steps=2", "trainer.batch_size=8", "dataset.limit=40", "callbacks.images.every_steps=0")
MLP = ("encoder=mlp", "encoder.units=[8]", "decoder=mlp", "decoder.units=[8]")
NOISY = "{Dropout: {rate: 0.5}},{GaussianNoise: {stddev: 1.0}},LayerNormalization,{Dense: {units: 12}}"
LISTED = f"encoder.layers=[{NOISY},{{GroupNormalization: {{groups: 2}}}},{{Dense: {{units: 9, activation: gelu}}}}]"
IMAGES = np.random.default_rng(1).integers(0, 256, (9, 8, 8, 1), np.uint8)
CODES = np.random.default_rng(2).normal(size=(9, 5)).astype(np.float32)
LABELS = np.arange(9, dtype=np.int32)
OWN = """
import keras

class Twice(keras.layers.Layer):
    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def call(self, inputs):
        return self.times * inputs

@keras.saving.register_keras_serializable("own")
class Initializer(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)

    def get_config(self):
        return {}
"""


def test_images_of_several_sizes_and_labels(genctl: Genctl, trained: Callable[..., Path]) -> None:
    networks = ("generator.filters=[6,4]", "discriminator=mlp", "discriminator.units=[4]")
    run = trained("model=msgan", "model.conditional=true", "model.latent_dim=5", *networks, *TINY)
    genctl.good("export", f"run={run}", "out=out")
    given = alone({"noise": CODES, "label": LABELS}, ("generator.keras", "image", ["noise", "label"]))
    expected = package.load(run).decode(CODES, [str(label) for label in LABELS])
    assert (given["generator.keras"] == expected).all() and expected.std() > 0


def test_a_scale_that_was_learnt_and_a_list_of_layers(genctl: Genctl, trained: Callable[..., Path]) -> None:
    words = ("model=vae", "model.latent_dim=5", "model.likelihood=gaussian_learnt", *MLP[2:], "encoder=layers", LISTED)
    run = trained(*words, *TINY)
    genctl.good("export", f"run={run}", "out=out")
    calls = [("encoder.keras", "code", ["image"]), ("decoder.keras", "image", ["code"])]
    given, loaded = alone({"image": IMAGES, "code": CODES}, *calls), package.load(run)
    np.testing.assert_allclose(given["encoder.keras"], loaded.encode(IMAGES), rtol=1e-4, atol=1e-6)
    assert (given["decoder.keras"] == loaded.decode(CODES)).all()


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("{_target_: own.Twice, times: 2}", "Twice"),
        ("{Dense: {units: 3, kernel_initializer: {_target_: own.Initializer}}}", "Initializer"),
    ],
)
def test_layers_of_others_are_not_for_keras_alone(
    genctl: Genctl, monkeypatch: pytest.MonkeyPatch, layer: str, name: str
) -> None:
    Path("own.py").write_text(OWN)
    monkeypatch.syspath_prepend(Path.cwd())
    words = ("model=ae", "model.prior=none", "encoder=layers", f"encoder.layers=[Flatten,{layer}]", *MLP[2:], *TINY)
    genctl.good("train", *words, "trust=[own]", "name=x")
    message = genctl.bad("export", "run=outputs/x", "trust=[own]", "out=out")
    assert f"format=keras: {name} of own is not Keras' own" in message and "use format=savedmodel" in message
    assert not Path("out").exists()
    genctl.good("export", "run=outputs/x", "trust=[own]", "format=savedmodel", "part=encoder", "out=out")
    given = alone({"image": IMAGES}, ("encoder", "code", ["image"]))["encoder"]
    np.testing.assert_allclose(given, package.load("outputs/x", trust=["own"]).encode(IMAGES), rtol=1e-4, atol=1e-5)


def test_a_family_that_computes_with_more_than_keras(genctl: Genctl, trained: Callable[..., Path]) -> None:
    small = ("encoder.filters=[4]", "decoder.filters=[4]", "model.levels=[2,3]", "model.width=8")
    run = trained("model=hvae", *small, *TINY)
    message = genctl.bad("export", f"run={run}", "out=out")
    assert "the encoder of this family computes with more than Keras has: use format=savedmodel" in message
    assert not Path("out").exists()
    genctl.good("export", f"run={run}", "format=savedmodel", "part=decoder", "out=out")
    given = alone({"code": CODES}, ("decoder", "image", ["code"]))["decoder"]
    assert np.abs(given.astype(int) - package.load(run).decode(CODES)).max() <= 1


def test_numbers_that_are_not_finite_are_not_exported() -> None:
    from genctl.cli.verbs.exporting import check

    expected = np.array([[1.0, np.nan]], np.float32)
    with pytest.raises(package.errors.UserError, match="NaN or infinite"):
        check.compared("x", expected, expected)
    with pytest.raises(package.errors.UserError, match="differs by up to nan"):
        check.compared("x", expected, np.ones_like(expected))
