"""The Inception network of December 2015 (classify_image_graph_def.pb) that published Fréchet distances are made with.

It differs from Szegedy et al. 2016 and from Keras' InceptionV3 in its pooling and its 1,008 classes; the names of its
layers are those of the ports to torch, pytorch-fid and torch-fidelity. Batch normalization is part of the convolutions.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SIDE, CLASSES, EPSILON = 299, 1008, 1e-3  # pixels; of the layer that is left out; of the batch normalization
Size = int | tuple[int, int]


def build() -> keras.Model:
    """The network without weights: from (n, 299, 299, 3) in [-1, 1) to the averages of its last features, (n, 2048)."""
    images = keras.Input((SIDE, SIDE, 3))
    x = _conv(images, "Conv2d_1a_3x3", 32, 3, stride=2)
    x = _conv(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = _max_pool(_conv(x, "Conv2d_2b_3x3", 64, 3))
    x = _conv(x, "Conv2d_3b_1x1", 80, 1)
    x = _max_pool(_conv(x, "Conv2d_4a_3x3", 192, 3, padding="valid"))
    for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_a(x, name, pooled)
    x = _block_b(x, "Mixed_6a")
    for name, width in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = _block_c(x, name, width)
    x = _block_d(x, "Mixed_7a")
    x = _block_e(x, "Mixed_7b", keras.layers.AveragePooling2D)
    x = _block_e(x, "Mixed_7c", keras.layers.MaxPooling2D)  # as in the graph, though not in the paper
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))


def shapes(network: keras.Model) -> dict[str, tuple[int, ...]]:
    """The tensors that files of weights hold, by name; the layer of classes, which is not used, tells the network."""
    by_name: dict[str, tuple[int, ...]] = {"fc.weight": (CLASSES, 2048)}
    for layer in _convolutions(network):
        height, width, inputs, outputs = layer.kernel.shape
        by_name[f"{layer.name}.conv.weight"] = (outputs, inputs, height, width)
        for name in ("weight", "bias", "running_mean", "running_var"):
            by_name[f"{layer.name}.bn.{name}"] = (outputs,)
    return by_name


def load(network: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Give the network the tensors that `shapes` names. Raises ValueError where a variance is negative."""
    for layer in _convolutions(network):
        scale, shift, mean, variance = (
            tensors[f"{layer.name}.bn.{name}"].astype(np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        if (variance < 0).any():
            raise ValueError(f"{layer.name}.bn.running_var holds negative variances")
        scale /= np.sqrt(variance + EPSILON)
        kernel = tensors[f"{layer.name}.conv.weight"].transpose(2, 3, 1, 0) * scale
        layer.set_weights([kernel.astype(np.float32), (shift - mean * scale).astype(np.float32)])


def prepare(images: Any) -> Any:
    """Bytes (n, h, w, 1 or 3) to what the network takes, as the graph does it: TensorFlow 1's bilinear resizing."""
    resized = tf.raw_ops.ResizeBilinear(
        images=tf.cast(images, tf.float32), size=(SIDE, SIDE), align_corners=False, half_pixel_centers=False
    )
    return tf.broadcast_to((resized - 128) / 128, (tf.shape(images)[0], SIDE, SIDE, 3))


def _convolutions(network: keras.Model) -> list[Any]:
    return [layer for layer in network.layers if hasattr(layer, "kernel")]


def _conv(x: Any, name: str, filters: int, size: Size, stride: int = 1, padding: str = "same") -> Any:
    layer = keras.layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=padding if stride == 1 else "valid",
        activation="relu",
        kernel_initializer="zeros",  # the weights follow: no random number is drawn
        name=name,
    )
    return layer(x)


def _chain(x: Any, name: str, *steps: tuple[str, int, Size]) -> Any:
    """Convolutions one after the other: of each its name's end, filters and size."""
    for end, filters, size in steps:
        x = _conv(x, f"{name}.{end}", filters, size)
    return x


def _max_pool(x: Any) -> Any:
    return keras.layers.MaxPooling2D(3, strides=2)(x)


def _pooled(x: Any, name: str, filters: int, pooling: Any) -> Any:
    """Pooling that keeps the size; TensorFlow's `same` averages what lies in the image alone."""
    return _conv(pooling(3, strides=1, padding="same")(x), f"{name}.branch_pool", filters, 1)


def _joined(*branches: Any) -> Any:
    return keras.layers.Concatenate()(branches)


def _block_a(x: Any, name: str, pooled: int) -> Any:
    return _joined(
        _conv(x, f"{name}.branch1x1", 64, 1),
        _chain(x, name, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        _chain(x, name, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
        _pooled(x, name, pooled, keras.layers.AveragePooling2D),
    )


def _block_b(x: Any, name: str) -> Any:
    double = _chain(x, name, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3))
    return _joined(
        _conv(x, f"{name}.branch3x3", 384, 3, stride=2),
        _conv(double, f"{name}.branch3x3dbl_3", 96, 3, stride=2),
        _max_pool(x),
    )


def _block_c(x: Any, name: str, width: int) -> Any:
    row, column = (1, 7), (7, 1)
    return _joined(
        _conv(x, f"{name}.branch1x1", 192, 1),
        _chain(x, name, ("branch7x7_1", width, 1), ("branch7x7_2", width, row), ("branch7x7_3", 192, column)),
        _chain(
            x,
            name,
            ("branch7x7dbl_1", width, 1),
            ("branch7x7dbl_2", width, column),
            ("branch7x7dbl_3", width, row),
            ("branch7x7dbl_4", width, column),
            ("branch7x7dbl_5", 192, row),
        ),
        _pooled(x, name, 192, keras.layers.AveragePooling2D),
    )


def _block_d(x: Any, name: str) -> Any:
    steps = ("branch7x7x3_1", 192, 1), ("branch7x7x3_2", 192, (1, 7)), ("branch7x7x3_3", 192, (7, 1))
    return _joined(
        _conv(_conv(x, f"{name}.branch3x3_1", 192, 1), f"{name}.branch3x3_2", 320, 3, stride=2),
        _conv(_chain(x, name, *steps), f"{name}.branch7x7x3_4", 192, 3, stride=2),
        _max_pool(x),
    )


def _block_e(x: Any, name: str, pooling: Any) -> Any:
    single = _conv(x, f"{name}.branch3x3_1", 384, 1)
    double = _chain(x, name, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
    return _joined(
        _conv(x, f"{name}.branch1x1", 320, 1),
        _conv(single, f"{name}.branch3x3_2a", 384, (1, 3)),
        _conv(single, f"{name}.branch3x3_2b", 384, (3, 1)),
        _conv(double, f"{name}.branch3x3dbl_3a", 384, (1, 3)),
        _conv(double, f"{name}.branch3x3dbl_3b", 384, (3, 1)),
        _pooled(x, name, 192, pooling),
    )
