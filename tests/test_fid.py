"""features=fid: its numbers beside those of torch-fidelity, and what it says of weights."""

import hashlib
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Genctl
from torch_files import write_torch

from genctl.data.examples import Examples, Split
from genctl.data.spec import Spec
from genctl.errors import Unsuited, UserError
from genctl.metrics.evaluation import Evaluation
from genctl.metrics.features import inception2015
from genctl.metrics.features.fid import load_fid
from genctl.metrics.features.inception import load_inception
from genctl.metrics.frechet import compare


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the whole network that depend on nothing but the names and shapes of the tensors."""
    path = tmp_path_factory.mktemp("weights") / "made.pth"
    shapes = inception2015.shapes(inception2015.build())
    write_torch(path, {name: made(name, shape) for name, shape in shapes.items()})
    return path


def made(name: str, shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("conv.weight"):
        return random.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5
    low, high = {"weight": (0.55, 1.05), "running_var": (0.4, 1.0)}.get(name.rsplit(".", 1)[1], (-0.2, 0.2))
    return random.uniform(low, high, shape)


def images(seed: int, shape: tuple[int, ...], top: int = 256) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, shape).astype(np.uint8)


def evaluation(real: np.ndarray, **more: Any) -> Evaluation:
    split = Split("test", Examples(real, None), np.arange(len(real)))
    return Evaluation(Spec("mine", real.shape[1:]), split, split, 0, **more)


# Made by torch-fidelity 0.4.0 (torch 2.13.0, a CPU) with the weights above: every 256th feature, the mean of all,
# and the Fréchet distance of every eighth.
GREY = [
    [0.00386, 0.35822, 0.03265, 0.34352, 0.53273, 0.0, 0.07975, 0.00225],
    [0.01787, 0.39091, 0.0372, 0.38477, 0.53044, 0.0, 0.07977, 0.00093],
]
LARGE = [[0.02352, 0.83495, 0.06037, 0.59376, 1.04754, 0.024, 0.11899, 0.00724]]
DISTANCE = 0.28821315


@pytest.mark.parametrize(
    ("examples", "expected", "mean"),
    [
        (images(0, (2, 7, 5, 1)), GREY, 0.315809),
        (images(1, (1, 4, 4, 3)).repeat(80, 1).repeat(90, 2), LARGE, 0.482997),
    ],
    ids=["small and grey", "large and in colour"],
)
def test_features_are_those_of_torch_fidelity(
    weights: Path, examples: np.ndarray, expected: list[list[float]], mean: float
) -> None:
    given = evaluation(examples)
    found = load_fid(given, str(weights)).features(given.spec.to_unit(examples))
    assert found.shape == (len(examples), 2048) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, ::256], expected, atol=2e-5)
    assert np.mean(found) == pytest.approx(mean, abs=2e-6)
    assert "torch" not in sys.modules


def test_the_distance_is_that_of_torch_fidelity(weights: Path) -> None:
    real, samples = images(3, (12, 6, 6, 3), 200), images(2, (12, 6, 6, 3))
    given = evaluation(real)
    network = load_fid(given, str(weights))
    every_eighth = [network.features(given.spec.to_unit(one))[:, ::8] for one in (samples, real)]
    assert compare(*every_eighth)["frechet_distance"].value == pytest.approx(DISTANCE, abs=1e-5)


def test_evaluations_say_by_which_weights(genctl: Genctl, weights: Path) -> None:
    np.savez("real.npz", images=images(5, (20, 6, 6, 3)))
    np.savez("samples.npz", images=images(6, (9, 6, 6, 3)))
    words = ("metrics=kernel", "features=fid", f"features.weights={weights}", "out=found.json")
    genctl.good("evaluate", "real=real.npz", "samples=samples.npz", *words)
    (found,) = (record["number"] for record in json.loads(Path("found.json").read_text()))
    assert found["metric"] == "kernel_distance/fid"
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (found["protocol"]["features"], found["protocol"]["features_sha256"]) == ("fid", sha256[:12])


def test_resizing_is_that_of_tensorflow_1() -> None:
    given = images(4, (2, 5, 400, 3)).astype(np.float64)

    def resized(values: np.ndarray, axis: int) -> np.ndarray:
        place = np.arange(299) * np.float32(values.shape[axis] / 299)
        low = place.astype(int)
        part = (place - low).reshape(-1, *[1] * (values.ndim - 1 - axis))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        return values.take(low, axis) * (1 - part) + values.take(high, axis) * part

    expected = (resized(resized(given, 2), 1) - 128) / 128
    np.testing.assert_allclose(inception2015.prepare(given.astype(np.uint8)), expected, rtol=0, atol=1e-4)
    grey = inception2015.prepare(given[..., :1].astype(np.uint8))
    np.testing.assert_allclose(grey, expected[..., :1].repeat(3, -1), rtol=0, atol=1e-4)


def test_weights_of_another_inception_are_refused(tmp_path: Path) -> None:
    write_torch(tmp_path / "torchvision.pth", {"fc.weight": np.zeros((1000, 2048))})
    message = (
        r"torchvision.pth holds no weights .* fc.weight has the shape \[1000, 2048\], not \[1008, 2048\]; give pt_"
    )
    with pytest.raises(UserError, match=message):
        load_fid(evaluation(images(0, (2, 8, 8, 3))), str(tmp_path / "torchvision.pth"))


def test_vectors_have_no_features_by_it() -> None:
    with pytest.raises(Unsuited, match="features=fid needs images, and data set 'mine' has vectors"):
        load_fid(evaluation(np.zeros((3, 5), np.float32)), "w.pth")


def test_a_negative_variance_is_refused() -> None:
    network = inception2015.build()
    given = {name: np.ones(shape, np.float32) for name, shape in inception2015.shapes(network).items()}
    given["Mixed_5b.branch_pool.bn.running_var"][3] = -0.5
    with pytest.raises(ValueError, match="Mixed_5b.branch_pool.bn.running_var holds negative variances"):
        inception2015.load(network, given)


def test_weights_must_be_given_and_be_there(genctl: Genctl) -> None:
    np.savez("images.npz", images=images(0, (8, 6, 6, 3)))
    words = ("real=images.npz", "samples=images.npz", "metrics=frechet", "features=fid")
    for word, message in (
        (
            "features.weights=null",
            "features.weights=null: the weights of features=fid do not come with genctl: give pt_",
        ),
        (
            "features.weights=gone.pth",
            "features.weights=gone.pth is not there: give pt_inception-2015-12-05-6726825d.pth",
        ),
        ("features.weights=", "features.weights is empty"),
        ("features.weights=images.npz", "holds no weights of the network of features=fid: its zip archive is none of"),
    ):
        assert message in genctl.bad("evaluate", *words, word)
    training = ("train", "model=gan", "metrics=frechet", "callbacks.evaluate.every_steps=5", "features=fid")
    assert "pytorch-fid publishes" in genctl.bad(*training)


@pytest.mark.parametrize("network", [load_fid, load_inception])
def test_a_path_that_can_be_none(network: Callable[..., object]) -> None:
    for path in ("a\0b", "x" * 300, "~nobody_of_this_name/x"):
        with pytest.raises(UserError, match="features.weights=.* is no path"):
            network(evaluation(images(0, (2, 8, 8, 3))), path)
