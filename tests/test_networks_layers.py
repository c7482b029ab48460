"""Networks from lists of Keras layers: what cannot work is refused before training, by the name of its layer."""

from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
from conftest import Genctl

from genctl.errors import UserError
from genctl.networks.sequential import build_sequential

NAMES = keras.layers
BAD: list[tuple[str, str]] = [
    ("BatchNormalization: {axis: 9}", "layers[0] (BatchNormalization) does not fit its input of shape 8x8x1"),
    ("Dense: {units: 4, kernel_initializer: nonsense}", "layers[0] (Dense): Could not interpret initializer"),
    ("Reshape: {target_shape: [5, 5]}", "layers[0] (Reshape) does not fit its input of shape 8x8x1: The total size"),
    ("Conv2D: {filters: 3, kernel_size: 9}", "layers[0] (Conv2D) does not fit its input of shape 8x8x1: Computed"),
    ("Conv2D: {filters: 3, kernel_size: 3, data_format: channels_first}", "output size would be zero or negative"),
    ("MultiHeadAttention: {num_heads: 2, key_dim: 4}", "layers[0] (MultiHeadAttention) does not fit its input of"),
    ("Attention: {}", "layers[0] (Attention) does not fit its input of shape 8x8x1: Attention layer must be called on"),
    ("Add: {}", "layers[0] (Add) does not fit its input of shape 8x8x1: A merge layer should be called on a list"),
    ("Conv3D: {filters: 3, kernel_size: 2}", "layers[0] (Conv3D) does not fit its input of shape 8x8x1: Input 0"),
    ("LSTM: {units: 3}", "layers[0] (LSTM) does not fit its input of shape 8x8x1: Input 0 with name"),
    ("MaxPooling2D: {pool_size: 100}", "layers[0] (MaxPooling2D) does not fit its input of shape 8x8x1: Computed"),
    ("UpSampling2D: {size: 1000}", "this network has 2,048,000,032 weights"),
    ("UpSampling2D: {size: 1000000000}", "this network has 2,048,000,000,000,000,000,032 weights"),
    ("Dense: {units: 1000000000}", "this network has 97,000,000,032 weights"),
    ("GroupNormalization: {groups: 3}", "layers[0] (GroupNormalization) does not fit its input of shape 8x8x1: Number"),
    ("Dense: {units: 4, name: a b}", "layers[0] (Dense): name=a b: write it in letters, digits"),
    ("Dense: {units: 4, name: \"é\"}", "layers[0] (Dense): name=é: write it in letters, digits"),
    ("Dense: {units: 4, name: ''}", "layers[0] (Dense): name=: write it in letters, digits"),
    ("Dense: {units: 4, name: flatten}", "layers: The name \"flatten\" is used 2 times in the model"),
    ("Dense: {units: 4, dtype: float16}", "layers[0] (Dense): dtype=float16: leave dtype out"),
    ("Dense: {units: 4, dtype: mixed_bfloat16}", "layers[0] (Dense): dtype=mixed_bfloat16: leave dtype out"),
    ("Dense: {units: 4, dtype: int32}", "layers[0] (Dense): dtype=int32: leave dtype out"),
    ("Dense: {units: 4, dtype: nonsense}", "layers[0] (Dense): Cannot convert 'nonsense'"),
    ("Dense: {units: 32, trainable: false}", "layers: none of them has weights that learn"),
    ("Dropout: {rate: 1.5}", "layers[0] (Dropout): Invalid value received for argument `rate`"),
    ("Dropout: {rate: 1.0}", "layers[0] (Dropout) does not fit its input of shape 8x8x1: no gradient passes it"),
    ("Resizing: {height: 0, width: 3}", "its output has the shape (None, 0, 3, 1): all sizes but the first should"),
    ("TimeDistributed: {layer: {_target_: keras.layers.Dense, units: 3, dtype: float16}}", "dtype=float16"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "message"), BAD)
def test_a_layer_that_cannot_work_is_named(genctl: Genctl, layer: str, message: str) -> None:
    words = ("train", "model=ae", "dataset=digits", "encoder=layers", f"encoder.layers=[{{{layer}}}]", "outputs=runs")
    found = genctl.bad(*words)
    assert found.startswith("error: encoder") and message in found and len(found) < 600
    assert not Path("runs").exists()


def test_names_are_used_once(genctl: Genctl) -> None:
    twice = "[{Dense: {units: 4, name: a}}, {Dense: {units: 4, name: a}}]"
    message = genctl.bad("train", "model=ae", "encoder=layers", f"encoder.layers={twice}")
    assert "layers[1] (Dense): name=a is that of layers[0] too" in message


class Rows(NAMES.Layer):
    """All of a batch in one row."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.reshape(inputs, (1, -1))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor((None, 64))


class Late(NAMES.Layer):
    """A layer that fails in training alone."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return inputs[:, 99:100, 99] if training else inputs

    def compute_output_spec(self, inputs: Any, training: bool = False) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape)


class Unknown(NAMES.Layer):
    """A layer that does not say how large its output is."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor((None, None))


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (
            [NAMES.Discretization(bin_boundaries=[0.0])],
            r"layers\[0\] \(Discretization\).*it gives int32, which nothing",
        ),
        ([NAMES.Embedding(9, 4)], r"layers\[0\] \(Embedding\).*no gradient passes it"),
        ([NAMES.Flatten(), Rows()], r"layers\[1\] \(Rows\).*of shape 64: it makes 1 rows of the 3 of a batch"),
        ([Late()], r"layers\[0\] \(Late\) does not fit its input of shape 8x8x1"),
        ([Unknown()], r"layers\[0\] \(Unknown\).*its output has the shape \(None, None\)"),
        ([NAMES.Reshape((8, 8)), NAMES.LSTM(3, return_state=True)], r"layers\[1\] \(LSTM\).*it gives 3 outputs"),
        ([keras.initializers.Zeros()], r"layers\[0\] \(Zeros\) is not a layer of Keras"),
        ([None], r"layers\[0\] \(NoneType\) is not a layer of Keras"),
    ],
)
def test_layers_from_elsewhere_that_gradients_do_not_pass_are_named(chain: list[Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_sequential((8, 8, 1), (5,), chain)


@pytest.mark.parametrize(
    "chain",
    [
        "[Flatten, {Dense: {units: 8, activation: relu}}]",
        "[{Dense: {units: 8, trainable: false, name: My-layer.1}}]",
        "[{Reshape: {target_shape: [8, 8]}}, {LSTM: {units: 3, dropout: 0.2}}]",
        "[{Conv2D: {filters: 3, kernel_size: 3}}, {SpatialDropout2D: {rate: 0.3}}, BatchNormalization]",
    ],
)
def test_layers_that_work_train(genctl: Genctl, chain: str) -> None:
    words = ("train", "model=ae", "dataset=digits", "dataset.limit=200", "trainer.batch_size=16", "model.prior=none")
    genctl.good(*words, "encoder=layers", f"encoder.layers={chain}", "outputs=runs", "name=x", "trainer.steps=2")


def test_one_layer_may_compute_in_float32_where_others_do_in_less(genctl: Genctl) -> None:
    chain = "[{Dense: {units: 8, activation: relu}}, {Activation: {activation: tanh, dtype: float32}}]"
    words = ("train", "model=ae", "dataset=digits", "trainer.precision=mixed_bfloat16", "model.prior=none")
    genctl.good(*words, "encoder=layers", f"encoder.layers={chain}", "outputs=runs", "name=x", "trainer.steps=2")
