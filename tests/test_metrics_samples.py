"""Metrics of samples against closed forms and definitions, on small arrays."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from conftest import SPLITS

from genctl.data.dataset import Augment, Dataset
from genctl.data.digits import load_digits
from genctl.data.examples import Examples, Split
from genctl.errors import Unsuited
from genctl.metrics import class_coverage, copies, frechet, kernel, neighbourhoods
from genctl.metrics.copies import Copies, Neighbours
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.pixels import fit_pixels
from genctl.metrics.frechet import Frechet
from genctl.metrics.kernel import Kernel
from genctl.metrics.neighbourhoods import Neighbourhoods


def normal(count: int, width: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).standard_normal((count, width))


def standardised(count: int, width: int, seed: int) -> np.ndarray:
    """Points whose own mean is 0 and whose own covariance is the identity."""
    points = normal(count, width, seed)
    points -= points.mean(axis=0)
    return points @ np.linalg.inv(np.linalg.cholesky(np.cov(points, rowvar=False))).T


def test_the_frechet_distance_of_gaussians() -> None:
    x, y = standardised(50, 3, 0), standardised(80, 3, 1)
    found = frechet.compare(x, y * [2.0, 3.0, 1.0] + [1.0, 0.0, -2.0])["frechet_distance"].value
    assert found == pytest.approx((1 + 4) + (2 - 1) ** 2 + (3 - 1) ** 2)
    assert frechet.compare(x, x)["frechet_distance"].value == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_of_covariances_that_do_not_commute() -> None:
    (_, c), (_, d) = (frechet.moments(normal(9, 6, seed) @ normal(6, 6, 7 + seed)) for seed in (0, 1))
    trace = np.sqrt(np.maximum(np.linalg.eigvals(c @ d).real, 0)).sum()
    zero = np.zeros(6)
    assert frechet.distance(zero, c, zero, d) == pytest.approx(np.trace(c) + np.trace(d) - 2 * trace)
    singular = frechet.moments(normal(4, 6, 2))[1]  # fewer points than dimensions
    assert frechet.distance(zero, singular, zero, singular) == pytest.approx(0, abs=1e-6)


def expected_discrepancy(mean: float) -> float:
    """MMD^2 of N(mean, 1) and N(0, 1) on a line, from their first three moments, by the kernel (xy + 1)^3."""
    a, b = (mean, mean**2 + 1, mean**3 + 3 * mean), (0.0, 1.0, 0.0)

    def kernel_mean(p: tuple[float, ...], q: tuple[float, ...]) -> float:
        return p[2] * q[2] + 3 * p[1] * q[1] + 3 * p[0] * q[0] + 1

    return kernel_mean(a, a) + kernel_mean(b, b) - 2 * kernel_mean(a, b)


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_the_kernel_distance_of_gaussians(mean: float) -> None:
    found = kernel.compare(normal(8000, 1, 0, mean), normal(8000, 1, 1), block=200)["kernel_distance"]
    assert found.error is not None and 0 < found.error < 0.5
    assert abs(found.value - expected_discrepancy(mean)) < 4 * found.error


def test_the_kernel_distance_is_the_mean_over_pairs_without_a_point_and_itself() -> None:
    x, y = normal(6, 2, 0), normal(6, 2, 1)
    k = [[(a @ b / 2 + 1) ** 3 for b in (*x, *y)] for a in (*x, *y)]
    others = [(i, j) for i in range(6) for j in range(6) if i != j]
    within = np.mean([k[i][j] for i, j in others]) + np.mean([k[6 + i][6 + j] for i, j in others])
    across = np.mean([k[i][6 + j] for i in range(6) for j in range(6)])
    assert kernel.discrepancy(x, y) == pytest.approx(within - 2 * across)
    x_drawn, y_drawn = (np.random.default_rng(seed).permutation(one) for seed, one in enumerate((x, y)))
    blocks = [kernel.discrepancy(x_drawn[:3], y_drawn[:3]), kernel.discrepancy(x_drawn[3:], y_drawn[3:])]
    found = kernel.compare(x, y, block=1000)["kernel_distance"]
    assert found.value == pytest.approx(np.mean(blocks))
    assert found.error == pytest.approx(abs(blocks[0] - blocks[1]) / 2)


@pytest.fixture
def two_sets() -> tuple[np.ndarray, np.ndarray]:
    """Overlapping in part, and of several sizes."""
    return normal(70, 3, 0, 0.7, 0.8).astype(np.float32), normal(50, 3, 1).astype(np.float32)


def test_neighbourhoods_are_what_their_definitions_say(
    two_sets: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, real = two_sets
    k = 4

    def inside(points: np.ndarray, balls: np.ndarray) -> list[list[bool]]:
        """Whether each point is within the ball of each other set's point, which reaches to its k-th neighbour."""
        radii = [sorted(float(np.linalg.norm(ball - other)) for other in balls)[k] for ball in balls]
        return [
            [bool(np.linalg.norm(point - ball) < r) for ball, r in zip(balls, radii, strict=True)] for point in points
        ]

    around, recalled = inside(samples, real), inside(real, samples)
    expected = {
        "precision": np.mean(np.any(around, axis=1)),
        "recall": np.mean(np.any(recalled, axis=1)),
        "density": np.sum(around) / (k * len(samples)),
        "coverage": np.mean(np.any(around, axis=0)),
    }
    assert 0.1 < expected["recall"] < expected["precision"] < 1
    monkeypatch.setattr(neighbourhoods, "BLOCK_BYTES", 8 * 50 * 16)  # several blocks, the last one smaller
    found = {name: one.value for name, one in neighbourhoods.compare(samples, real, k).items()}
    assert found == pytest.approx(expected)


def test_neighbourhoods_agree_with_the_package_of_their_authors(two_sets: tuple[np.ndarray, np.ndarray]) -> None:
    prdc = pytest.importorskip("prdc")
    samples, real = two_sets
    found = {name: one.value for name, one in neighbourhoods.compare(samples, real, 5).items()}
    assert found == pytest.approx(prdc.compute_prdc(real_features=real, fake_features=samples, nearest_k=5))


def test_ties_are_decided_by_the_definitions_and_not_by_rounding() -> None:
    """Of a set beside itself each ball holds its centre and k - 1 others, whatever distances are equal or shifted."""
    prdc = pytest.importorskip("prdc")
    lattice = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), axis=-1).reshape(-1, 3)
    alone = normal(60, 40, 0)
    for points in (alone, alone + 1e3, alone.astype(np.float32) * 1e-3):
        found = neighbourhoods.compare(points, points, 5)
        assert {name: one.value for name, one in found.items()} == {
            "precision": 1.0,
            "recall": 1.0,
            "density": 1.0,
            "coverage": 1.0,
        }
    for samples, real in ((lattice, lattice), (lattice[::2] + 1, lattice), (lattice, lattice[::3])):
        expected = prdc.compute_prdc(real_features=real, fake_features=samples, nearest_k=5)
        for factor in (1.0, 1 / 3, 1e4):  # with a third no distance is a whole number
            found = neighbourhoods.compare(factor * samples, factor * real, 5)
            assert {name: one.value for name, one in found.items()} == pytest.approx(expected, abs=1e-12)


def test_an_outlier_moves_no_other_ball() -> None:
    points = normal(60, 3, 0)
    apart = neighbourhoods.reach(points, 5)
    beside = neighbourhoods.reach(np.concatenate([points, [[1e7, 0, 0]]]), 5)[:-1]
    np.testing.assert_allclose(beside, apart, rtol=1e-9)


def test_samples_have_classes_as_often_as_the_training_split() -> None:
    class Conditional:
        label_dim = 2

    source = load_digits()
    uneven = np.concatenate(
        [np.flatnonzero(source.train.labels == 0)[:150], np.flatnonzero(source.train.labels == 1)[:15]]
    )
    examples = Examples(source.train.images[uneven], source.train.labels[uneven])
    train = Split("train", examples, np.arange(165))
    evaluation = Evaluation(source.spec, train, train, 3, strategy=Conditional(), count=11_000)  # type: ignore[arg-type]
    drawn = evaluation.sampled_classes()
    assert abs(np.mean(drawn == 1) - 1 / 11) < 0.01 and set(drawn.tolist()) == {0, 1}
    assert (drawn == evaluation.sampled_classes()).all()
    assert (drawn != dataclasses.replace(evaluation, seed=4).sampled_classes()).any()


def test_the_kernel_distance_of_a_set_in_the_order_of_its_classes() -> None:
    rows = np.repeat([[3.0, 0.0], [-3.0, 1.0], [0.0, -3.0]], 300, axis=0)
    samples, real = (rows + normal(900, 2, seed) for seed in (0, 1))
    found = kernel.compare(samples, real, block=100)["kernel_distance"]
    assert found.error is not None and abs(found.value) < 4 * found.error


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(Unsuited, match="k=5 needs at least 6 samples, and there are 5"):
        neighbourhoods.compare(normal(5, 2, 0), normal(50, 2, 1), 5)
    with pytest.raises(Unsuited, match="at least 2 real examples, and there are 1"):
        frechet.compare(normal(5, 2, 0), normal(1, 2, 1))
    with pytest.raises(Unsuited, match="at least 4"):
        kernel.compare(normal(3, 2, 0), normal(50, 2, 1), 10)


def test_classes_that_are_missed_and_uneven() -> None:
    def found(labels: list[int]) -> dict[str, float]:
        real = np.repeat(np.arange(4), 25)
        measured = class_coverage.compare(np.array(labels), real, lambda features: features.astype(int), 4)
        return {name: one.value for name, one in measured.items()}

    even, collapsed = found([0, 1, 2, 3] * 25), found([2] * 100)
    assert even == pytest.approx({"classes_hit": 4, "class_entropy": np.log(4), "class_divergence": 0})
    p = np.array([0.5, 0.5, 100.5, 0.5]) / 102
    divergence = np.sum(p * np.log(p / 0.25))
    assert collapsed == pytest.approx({"classes_hit": 1, "class_entropy": 0, "class_divergence": divergence})


def test_copies_are_nearer_to_an_example_than_its_neighbour_is() -> None:
    train = np.array([[0.0], [1.0], [3.0], [10.0]])
    distance, share = Neighbours(train).judge(np.array([[0.4], [1.2], [4.5], [5.5]]))
    assert share == 3 / 4  # 5.5 is 2.5 from 3, whose neighbour is 2 away
    assert distance == pytest.approx((0.4 + 1.5) / 2)
    assert Neighbours(train).judge(train) == (0, 1)


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Dataset(load_digits(), **{**SPLITS, "test_fraction": 0.3}, augment=Augment())


def test_unseen_examples_that_are_not_new_give_no_scale(digits: Dataset) -> None:
    images = digits.split("train").take(np.arange(10)).images
    same = Evaluation(digits.spec, digits.split("train"), digits.split("train"), 0, images=images, count=10)
    with pytest.raises(Unsuited, match="not trained on"):
        Copies(5)(same)
    with pytest.raises(Unsuited, match="half of the unseen examples"):
        Copies(5)(dataclasses.replace(same, test=digits.split("train")))


METRICS = (Frechet(), Kernel(100), Neighbourhoods(5), Copies(20))


def judged(dataset: Dataset, images: np.ndarray) -> dict[str, Number]:
    evaluation = Evaluation.of(dataset, "test", 0, images=images, count=len(images), features=fit_pixels)
    return {number.metric: number for metric in METRICS for number in metric(evaluation)}


def test_noise_is_worst_half_noise_is_between_and_training_examples_get_the_floor(digits: Dataset) -> None:
    train = digits.split("train").take(np.arange(500)).images
    noise = np.random.default_rng(0).integers(0, 256, train.shape, np.uint8)
    half = np.concatenate([train[:250], noise[:250]])
    real, mixed, noisy = (judged(digits, images) for images in (train, half, noise))
    for name, number in real.items():
        if "train_distance" not in name and "copies" not in name:
            assert number.value == pytest.approx(number.floor), name
    for name in ("frechet_distance/pixels", "kernel_distance/pixels"):
        assert real[name].value < mixed[name].value / 2 < mixed[name].value < noisy[name].value, name
    for name in ("precision/pixels", "density/pixels", "coverage/pixels"):
        assert real[name].value > mixed[name].value > noisy[name].value == 0, name
    assert real["recall/pixels"].value > 0.8
    assert real["copies/pixels"].value == 1 and real["train_distance/pixels"].value == pytest.approx(0, abs=1e-3)
    assert noisy["copies/pixels"].value < 0.05 and noisy["train_distance/pixels"].value > 1.5
    assert 0.2 < noisy["copies/pixels"].floor < 0.8 and noisy["train_distance/pixels"].floor == 1


def test_what_does_not_depend_on_the_samples_is_computed_once(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    train = digits.split("train").take(np.arange(100)).images
    first = judged(digits, train)
    monkeypatch.setattr("sklearn.decomposition.PCA.fit", None)
    monkeypatch.setattr(copies, "_picture", lambda *_: None)
    again = judged(digits, train)
    assert {name: (one.value, one.floor) for name, one in first.items()} == {
        name: (one.value, one.floor) for name, one in again.items()
    }
