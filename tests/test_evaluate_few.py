"""Metrics of too few examples, of examples that are all equal, and of numbers that are not finite."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Genctl, tiny

from genctl.data.examples import Examples, Split
from genctl.data.spec import Spec
from genctl.errors import Unsuited, UserError
from genctl.metrics import class_coverage, frechet, kernel, neighbourhoods
from genctl.metrics.copies import Copies
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.extractor import Extractor
from genctl.metrics.features.pixels import fit_pixels
from genctl.metrics.features.training_data import count_classes
from genctl.metrics.frechet import Frechet
from genctl.metrics.measure import measure
from genctl.metrics.vectors import Vectors, vectors

FEW = ("trainer.batch_size=1", "trainer.steps=2", "trainer.xla=false")
NEEDS = {
    1: (
        "without classes: Classes needs training examples of 2 classes, and there are some of 1.",
        "without frechet: features by pixels needs at least 2 training examples, and there are 1.",
        "without active_units: the variance of codes needs at least 2 examples, and there are 1.",
        "without aggregate_posterior: the distribution of codes needs at least 2 examples, and there are 1.",
    ),
    3: (
        "without kernel: the kernel distance needs at least 4 real examples, and there are 3.",
        "without neighbourhoods: neighbourhoods of k=5 needs at least 6 real examples, and there are 3.",
        "without probes: a vote of neighbours=5 needs at least 5 training examples, and there are 3.",
    ),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("limit", NEEDS)
def test_a_run_on_few_examples_gets_the_numbers_that_can_be_had(genctl: Genctl, limit: int) -> None:
    genctl.good("train", *tiny("vae"), *FEW, "dataset=digits", f"dataset.limit={limit}", "name=x")
    without = () if limit == 1 else ("~metrics.classes",)  # whose classifier would take long to train
    out = genctl.good("evaluate", "run=runs/x", "n=20", "features=pixels", *without).out
    for line in NEEDS[limit]:
        assert line in out
    text = Path("runs/x/evaluations/step-000000002.json").read_text()
    found = {row["number"]["metric"]: row["number"]["value"] for row in json.loads(text)}
    assert "NaN" not in text and "Infinity" not in text and np.isfinite(list(found.values())).all()
    assert {"mse", "psnr", "ssim", "elbo", "code_slope"} <= set(found)
    name = "frechet" if limit == 1 else "kernel"
    message = genctl.bad("evaluate", "run=runs/x", "n=20", f"metrics={name}", "features=pixels")
    assert f"metrics: {name} cannot be had: " in message and f"and there are {limit}." in message


def split(name: str, images: np.ndarray, labels: np.ndarray | None = None) -> Split:
    return Split(name, Examples(images, labels), np.arange(len(images)))


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), np.uint8)


def beside(real: np.ndarray, train: np.ndarray, images: np.ndarray, **more: Any) -> Evaluation:
    """An evaluation of images beside real ones by the principal components of the pixels."""
    given = {"images": images, "count": len(images), "features": fit_pixels} | more
    return Evaluation(Spec("noise", (4, 4, 1)), split("test", real), split("train", train), 0, **given)


@pytest.mark.parametrize(
    ("compare", "samples", "real", "message"),
    [
        (frechet.compare, 1, 9, "the Fréchet distance needs at least 2 samples, and there are 1"),
        (frechet.compare, 9, 1, "the Fréchet distance needs at least 2 real examples, and there are 1"),
        (lambda x, y: kernel.compare(x, y, 2), 3, 9, "the kernel distance needs at least 4 samples, and there are 3"),
        (lambda x, y: neighbourhoods.compare(x, y, 9), 20, 9, "k=9 needs at least 10 real examples, and there are 9"),
        (
            lambda x, y: class_coverage.compare(x, y, np.argmax, 3),
            0,
            9,
            "classes needs at least 1 samples, and there are 0",
        ),
    ],
)
def test_what_is_needed_and_what_is_there(compare: Callable, samples: int, real: int, message: str) -> None:
    with pytest.raises(Unsuited, match=message):
        compare(np.zeros((samples, 2)), np.arange(2.0 * real).reshape(real, 2))


def test_examples_that_are_all_equal() -> None:
    equal = np.full((12, 4, 4, 1), 7, np.uint8)
    for metric in (Frechet(), Copies(5)):
        with pytest.raises(Unsuited, match="training examples that differ, and all 12 are equal"):
            metric(beside(noise(9), equal, noise(9, 1)))
    with pytest.raises(Unsuited, match="needs at least 2 training examples, and there are 1"):
        Frechet()(beside(noise(9), noise(1), noise(9, 1)))
    with pytest.raises(Unsuited, match="copies needs a scale"):
        Copies(5)(beside(equal[:4], np.concatenate([equal[:1], noise(9)]), noise(9, 1)))
    points = np.random.default_rng(0).normal(size=(4, 3)).repeat(6, axis=0)
    with pytest.raises(Unsuited, match="k=5 needs real examples that differ, and each has 5 equal ones"):
        neighbourhoods.compare(points + 0.1, points, 5)


def test_samples_that_are_all_equal_are_precise_and_recall_nothing() -> None:
    real = np.random.default_rng(0).normal(size=(50, 3))
    collapsed = np.repeat(real[:1] + 1e-6, 30, axis=0)
    found = {name: one.value for name, one in neighbourhoods.compare(collapsed, real, 5).items()}
    assert found["precision"] == 1 and found["recall"] == 0 and 0 < found["coverage"] < 0.5
    assert frechet.compare(collapsed, collapsed)["frechet_distance"].value == pytest.approx(0, abs=1e-9)
    assert kernel.compare(collapsed, collapsed, 4)["kernel_distance"].value == pytest.approx(0, abs=1e-9)


def test_a_floor_that_cannot_be_had_is_left_out() -> None:
    [number] = Frechet()(beside(noise(9), noise(9, 2), noise(9, 1)))
    assert number.floor is not None and number.value > 0
    alone = beside(noise(9), noise(9), noise(9, 1), test=split("validation", noise(0)))
    [number] = Frechet()(dataclasses.replace(alone, real=alone.train))
    assert number.floor is None and number.value > 0


def test_principal_components_are_fewer_than_the_examples_that_they_are_fitted_to() -> None:
    assert fit_pixels(beside(noise(9), noise(3), noise(9, 1))).facts["components"] == 2


def test_one_class_is_nothing_to_classify_by() -> None:
    images = beside(noise(9), noise(9, 2), noise(9, 1), features=None)
    spec = Spec("noise", (4, 4, 1), ("a", "b"))
    labels = np.zeros(9, np.int32)
    images = dataclasses.replace(images, spec=spec, train=split("train", noise(9, 2), labels))
    assert count_classes(spec, images.train) == 1 and vectors(images).extractor.name == "pixels"
    with pytest.raises(UserError, match="classes cannot be had: Classes needs training examples of 2 classes"):
        measure({"classes": class_coverage.Classes()}, images, named=True)


class Says:
    """A metric that gives these numbers."""

    needs = None

    def __init__(self, value: float, **more: float | Mapping[str, float]) -> None:
        self.number = Number(**{"metric": "says", "value": value, "unit": "1", "protocol": {}, **more})

    def __call__(self, evaluation: Evaluation) -> list[Number]:
        return [self.number]


@pytest.mark.parametrize(
    ("metric", "what"),
    [
        (Says(float("nan")), "says comes out as nan"),
        (Says(float("-inf")), "says comes out as -inf"),
        (Says(1.0, error=float("nan")), "standard error comes out as nan"),
        (Says(1.0, floor=float("inf")), "floor comes out as inf"),
        (Says(1.0, protocol={"variance": float("nan")}), "variance comes out as nan"),
    ],
)
def test_numbers_that_are_not_finite_are_passed_over_or_refused(
    metric: Says, what: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genctl.metrics.measure.log.propagate", True)
    images = beside(noise(9), noise(9, 2), noise(9, 1))
    with caplog.at_level("INFO", "genctl"):
        found = measure({"bad": metric, "good": Says(2.0)}, images, named=False)
    assert [number.value for number in found] == [2.0] and f"without bad: {what}, which is no result." in caplog.text
    with pytest.raises(UserError, match=f"bad cannot be had: {what}"):
        measure({"good": Says(2.0), "bad": metric}, images, named=True)


def test_a_network_that_gives_no_numbers_is_named() -> None:
    images = beside(noise(9), noise(9, 2), noise(9, 1))
    broken = Extractor("broken", "0", lambda examples: np.full((len(examples), 2), np.nan, np.float32))
    with pytest.raises(UserError, match="features=broken: the network gives NaN or infinite values"):
        Vectors(images, broken).real  # noqa: B018 - computed when it is read
