"""Well-known data sets: from the user's own files, the cache, or their servers.

Each loader takes `url`, the address of the folder that holds the original files, and `files`, their names and SHA-256.
The user's own files, in the folder that GENCTL_DATA names, come first, whatever their SHA-256; a cached or downloaded
file must have the one that is given. All are checked for keys, shapes and types. Each loader raises UserError where a
file cannot be had or is not what it should be.
"""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from genctl.data.download import obtain, own_file
from genctl.data.examples import Examples, Source
from genctl.data.locations import shown
from genctl.data.numpy_files import read_npz
from genctl.data.originals import read_cifar, read_idx
from genctl.data.spec import Spec
from genctl.errors import UserError

_KEYS = ("x_train", "y_train", "x_test", "y_test")
_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FASHION = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_CIFAR_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
_CIFAR_TEST = ("cifar-10-batches-bin/test_batch.bin",)

Arrays = dict[str, np.ndarray]


def load_mnist(url: str | None, files: dict[str, str]) -> Source:
    """Load MNIST: handwritten digits, (28, 28, 1) uint8, 60,000 to train and 10,000 to test."""
    return _load(Spec("mnist", (28, 28, 1), _DIGITS), ("mnist.npz",), url, files, _read_npz)


def load_fashion_mnist(url: str | None, files: dict[str, str]) -> Source:
    """Load Fashion-MNIST: pieces of clothing, (28, 28, 1) uint8, 60,000 to train and 10,000 to test."""
    return _load(Spec("fashion_mnist", (28, 28, 1), _CLOTHES), _FASHION, url, files, _read_idx)


def load_cifar10(url: str | None, files: dict[str, str]) -> Source:
    """Load CIFAR-10: photographs, (32, 32, 3) uint8, 50,000 to train and 10,000 to test."""
    spec = Spec("cifar10", (32, 32, 3), _THINGS)
    return _load(spec, ("cifar-10-binary.tar.gz",), url, files, _read_cifar, subset="cifar10_subset.npz")


def _load(
    spec: Spec,
    names: tuple[str, ...],
    url: str | None,
    files: dict[str, str],
    read: Callable[[list[Path]], Arrays],
    subset: str | None = None,
) -> Source:
    _check_hashes(files, names)
    if own := own_file(f"{spec.name}.npz", *([subset] if subset else [])):
        paths, read = [own], _read_npz
    else:
        paths = [obtain(name, url, files[name].lower()) for name in names]
    logging.getLogger("genctl").info("dataset=%s reads %s", spec.name, ", ".join(map(str, paths)))
    arrays = read(paths)
    where = ", ".join(map(str, paths))
    return Source(spec, _checked(spec, arrays, "train", where), _checked(spec, arrays, "test", where))


def _check_hashes(files: dict[str, str], names: tuple[str, ...]) -> None:
    if set(files) != set(names):
        given = ", ".join(map(shown, files)) or "none"
        raise UserError(f"dataset.files must give the SHA-256 of {', '.join(names)}; it has {given}.")
    for name, sha256 in files.items():
        if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
            raise UserError(
                f"dataset.files: '{shown(sha256)}' for {name} is no SHA-256: give the 64 hexadecimal digits that "
                f"`sha256sum {name}` prints."
            )


def _read_npz(paths: list[Path]) -> Arrays:
    return read_npz(paths[0], _KEYS)


def _read_idx(paths: list[Path]) -> Arrays:
    return {key: read_idx(path, 3 if key.startswith("x") else 1) for key, path in zip(_KEYS, paths, strict=True)}


def _read_cifar(paths: list[Path]) -> Arrays:
    arrays = (*read_cifar(paths[0], _CIFAR_TRAIN), *read_cifar(paths[0], _CIFAR_TEST))
    return dict(zip(_KEYS, arrays, strict=True))


def _checked(spec: Spec, arrays: Arrays, split: str, where: str) -> Examples:
    """Check one split of a file and give images a channel axis and labels the type int32."""
    images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    shape = spec.image_shape if spec.image_shape[-1] == 3 else spec.image_shape[:-1]

    def refuse(key: str, got: str, expected: str) -> UserError:
        return UserError(f"{where}: '{key}_{split}' is {got}, expected {expected}. Replace or delete the file.")

    if images.shape[1:] != shape or images.dtype != np.uint8 or len(images) == 0:
        expected = f"uint8 (n, {', '.join(map(str, shape))})"
        raise refuse("x", f"{images.dtype} {images.shape}", expected)
    if labels.shape not in {(len(images),), (len(images), 1)} or labels.dtype.kind not in "iu":
        raise refuse("y", f"{labels.dtype} {labels.shape}", f"integers ({len(images)},), one for each image")
    if labels.min() < 0 or labels.max() >= spec.label_dim:
        raise refuse("y", f"from {labels.min()} to {labels.max()}", f"from 0 to {spec.label_dim - 1}")
    return Examples(images.reshape(-1, *spec.image_shape), labels.reshape(-1).astype(np.int32))
