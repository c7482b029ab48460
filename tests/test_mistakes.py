"""Every mistake in a setting gets one message that names it, and leaves nothing behind."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl

CHEAP = ("trainer.steps=2", "dataset.limit=40", "trainer.batch_size=16", "outputs=runs")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("seed=-1", "seed=-1: should be greater than or equal to 0"),
        ("trainer.steps=abc", "trainer.steps=abc: should be a valid integer"),
        ("trainer.batch_size=0", "trainer.batch_size=0: should be greater than 0"),
        ("trainer.batch_size=41", "trainer.batch_size=41 is more than the 40 examples of the training split"),
        ("trainer.device=tpu", "trainer.device=tpu: choose auto, cpu, gpu or gpu:N"),
        ("trainer.device=gpu", "trainer.device=gpu: TensorFlow sees no GPUs here"),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate=-1: should be greater than 0"),
        ("optimizer.beta_1=1.5", "optimizer.beta_1=1.5: should be less than 1"),
        ("callbacks.checkpoint.keep=0", "callbacks.checkpoint.keep=0: should be greater than 0"),
        ("callbacks.log.every_steps=often", "callbacks.log.every_steps=often: should be a valid integer"),
        ("dataset.validation_fraction=2", "dataset.validation_fraction=2"),
        ("model.latent_dim=0", "model.latent_dim=0: should be greater than 0"),
        ("model.beta=high", "model.beta=high: should be a valid number"),
        ("model.conditional=3", "model.conditional=3: should be a valid boolean"),
        ("model.likelihood=bernouli", "Did you mean 'bernoulli'?"),
        ("model=cae encoder.normalization=batch", "use encoder.normalization=group, or another regularizer"),
        ("encoder.filters=[]", "encoder.filters=[]: List should have at least 1 item"),
        ("encoder.filters=[3,x]", "encoder.filters[1]=x: should be a valid integer"),
        ("encoder.activation=reluu", "Did you mean 'relu'?"),
        ("decoder.normalization=layer", "decoder.normalization=layer: should be 'none', 'batch' or 'group'"),
        ("generator=mlp", "generator=… has no use here: the networks of VAE are encoder, decoder"),
        ("model=gan ~generator", "this model needs generator=…"),
        ("model=iwae model.samples=0", "model.samples=0: should be greater than 0"),
        ("model=iwae model.likelihood=ssim", "model.likelihood=ssim is no density, which this model needs"),
        ("model.binarization=dynamic model.likelihood=gaussian", "choose model.likelihood=bernoulli or"),
        (
            "model=dae model.corruption=masking model.corruption_amount=2",
            "model.corruption_amount=2: masking damages a share",
        ),
        ("model=sae model.regularizer=kl", "model.regularizer=kl needs codes between 0 and 1"),
        (
            "model=hae model.reconstruction=gaussian_learnt",
            "model.reconstruction=gaussian_learnt has a scale of its own",
        ),
        (
            "model=hae model.reconstruction=gaussian_optimal",
            "model.reconstruction=gaussian_optimal has a scale of its own",
        ),
        ("model=aegan model.phases.joint=-5", "model.phases.joint=-5: should be greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(genctl: Genctl, words: str, message: str) -> None:
    assert message in genctl.bad("train", *CHEAP, *words.split())
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("[{Dense: {unit: 8}}]", "encoder.layers[0] (Dense): no argument 'unit'. Did you mean 'units'?"),
        ("[Flatten, {Dense: {}}]", "encoder.layers[1] (Dense): argument 'units' is missing"),
        ("[{Dens: {units: 8}}]", "layers[0]: keras.layers has no 'Dens' that a config may name. Did you mean 'Dense'?"),
        ("[{Dense: {units: 8, activation: reluu}}]", "encoder.layers[0] (Dense): Could not interpret activation"),
        ("[Flatten, {Conv2D: {filters: 4, kernel_size: 3}}]", "encoder.layers[1] (Conv2D) does not fit its input"),
        ("[{Dense: 8}]", "encoder.layers[0]: write a layer as Name or as Name: {argument: value}"),
        ("[{_target_: os.system, command: ls}]", "layers[0]._target_=os.system: this name is not on genctl's list"),
        ("[{_target_: keras.layers.Dens, units: 8}]", "keras.layers has no 'Dens'"),
        ("[]", None),
    ],
)
def test_a_mistake_in_a_layer_list_names_position_layer_and_argument(
    genctl: Genctl, layers: str, message: str | None
) -> None:
    words = ("train", *CHEAP, "encoder=layers", f"encoder.layers={layers}")
    if message is None:
        genctl.good(*words)
    else:
        assert message in genctl.bad(*words)


def test_layers_in_full_and_in_short_form_build_the_same_network(genctl: Genctl) -> None:
    short = "[{Conv2D: {filters: 4, kernel_size: 3, strides: 2, padding: same}}, Flatten, {Dense: {units: 8}}]"
    full = (
        "[{_target_: keras.layers.Conv2D, filters: 4, kernel_size: 3, strides: 2, padding: same},"
        "{_target_: keras.layers.Flatten}, {_target_: keras.layers.Dense, units: 8}]"
    )
    for name, layers in (("a", short), ("b", full)):
        genctl.good("train", *CHEAP, f"name={name}", "encoder=layers", f"encoder.layers={layers}")
    assert Path("runs/a/metrics.jsonl").read_text() == Path("runs/b/metrics.jsonl").read_text()


def test_layers_that_end_in_the_right_shape_get_no_further_layer(genctl: Genctl) -> None:
    decoder = "[{Dense: {units: 64}}, {Reshape: {target_shape: [8, 8, 1]}}]"
    genctl.good("train", *CHEAP, "name=x", "decoder=layers", f"decoder.layers={decoder}")
    assert f"decoder {16 * 64 + 64:,}" in Path("runs/x/train.log").read_text()


MINE = """
import keras

def tiny(input_shape, output_shape, width: int):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(output_shape[0])])
"""


def test_code_of_others_runs_only_where_the_command_line_trusts_it(genctl: Genctl) -> None:
    Path("mynets.py").write_text(MINE)
    Path("configs/encoder").mkdir(parents=True)
    Path("configs/encoder/mine.yaml").write_text("_target_: mynets.tiny\nwidth: 3\n")
    words = ("train", *CHEAP, "encoder=mine", "name=x")
    assert "add trust=[mynets] to the command line" in genctl.bad(*words)
    assert "encoder.width=wide: should be a valid integer" in genctl.bad(*words, "trust=[mynets]", "encoder.width=wide")
    genctl.good(*words, "trust=[mynets]")
    config = Path("runs/x/config.yaml")
    assert "trust=[mynets]" in genctl.bad("sample", "run=runs/x")
    genctl.good("sample", "run=runs/x", "trust=[mynets]", "n=2")
    config.write_text(config.read_text() + "trust: [mynets]\n")
    assert "there is no setting 'trust'" in genctl.bad("sample", "run=runs/x", "trust=[mynets]")


def test_a_feature_network_that_nothing_uses_is_told(genctl: Genctl) -> None:
    assert "features=… is for evaluations while a run trains" in genctl.good("train", *CHEAP, "features=pixels").out


@pytest.mark.parametrize(
    "target", ["genctl.cli.main.os.getcwd", "keras.utils.numerical_utils.np.zeros", "genctl.nowhere"]
)
def test_trusted_packages_do_not_lead_to_what_they_import(genctl: Genctl, target: str) -> None:
    Path("configs/encoder").mkdir(parents=True)
    Path("configs/encoder/mine.yaml").write_text(f"_target_: {target}\n")
    assert "encoder" in genctl.bad("train", *CHEAP, "encoder=mine")


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(genctl: Genctl) -> None:
    steady = ("train", "name=x", "outputs=runs", "trainer.batch_size=16", "callbacks.checkpoint.every_steps=10")
    message = genctl(*steady, "trainer.steps=50", "optimizer=sgd", "optimizer.learning_rate=1e3").err
    assert message.startswith("note: left out, since") and message.splitlines()[1].startswith("error: ")
    assert "is not finite" in message and "at step" in message and "phase train" in message
    assert '"status": "failed"' in Path("runs/x/summary.json").read_text()
    assert "is not finite" in Path("runs/x/train.log").read_text()


def test_labels_are_asked_for_where_there_are_none(genctl: Genctl) -> None:
    np.savez("plain.npz", images=np.zeros((40, 8, 8), np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None])
    data = ("dataset=npz", "dataset.path=plain.npz")
    for words in (("model.conditional=true",), ("model=cvae",)):
        assert "'plain' has none" in genctl.bad("train", *CHEAP, *data, *words).replace("npz'", "plain'")


ANNOTATED = """
from __future__ import annotations
from typing import TYPE_CHECKING
import keras
if TYPE_CHECKING:
    from nowhere import Size

class Twice(keras.layers.Layer):
    def __init__(self, layer: keras.layers.Layer, **options):
        super().__init__(**options)
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs) * 2

def net(input_shape: Size, output_shape: Size, width: Size):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(output_shape[0])])

class Broken(keras.layers.Layer):
    def __init__(self, width):
        raise RuntimeError("no luck today")
"""


def test_code_of_others_may_be_annotated_with_anything(genctl: Genctl) -> None:
    Path("mylayers.py").write_text(ANNOTATED)
    Path("configs/encoder").mkdir(parents=True)
    Path("configs/encoder/net.yaml").write_text("_target_: mylayers.net\nwidth: 3\n")
    genctl.good("train", *CHEAP, "encoder=net", "trust=[mylayers]")
    layer = "{_target_: mylayers.Twice, layer: {_target_: keras.layers.Dense, units: 4}}"
    words = ("train", *CHEAP, "trust=[mylayers]", "encoder=layers")
    genctl.good(*words, f"encoder.layers=[Flatten,{layer}]")
    wrong = "encoder.layers=[Flatten,{_target_: mylayers.Twice, layer: 5}]"
    assert "encoder.layers[1].layer=5: should be an instance of Layer" in genctl.bad(*words, wrong)
    broken = "encoder.layers=[{_target_: mylayers.Broken, width: 5}]"
    assert "encoder.layers[0] (Broken): no luck today" in genctl.bad(*words, broken)
