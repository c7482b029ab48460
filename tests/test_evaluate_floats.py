"""Metrics of images that are stored as floats are those of the same images as bytes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Genctl, tiny
from test_metrics_examples import evaluation, small_vae

from genctl.data.spec import Spec
from genctl.metrics.likelihood import Likelihood
from genctl.metrics.marginal_likelihood import binarized
from genctl.metrics.reconstruction import Denoising, Reconstruction

BYTES = np.random.default_rng(0).integers(0, 256, (40, 12, 13, 1), np.uint8)
RANGES = {"unit": (0.0, 1.0), "symmetric": (-1.0, 1.0), "grey levels": (0.0, 255.0), "hounsfield": (-1000.0, 3000.0)}


def stored(low: float, high: float) -> np.ndarray:
    return (BYTES / 255 * (high - low) + low).astype(np.float32)


def values(metric: Any, spec: Spec, images: np.ndarray) -> dict[str, float]:
    return {number.metric: number.value for number in metric(evaluation(small_vae(spec, 2), images))}


@pytest.mark.parametrize("name", RANGES)
def test_numbers_do_not_depend_on_how_the_images_are_stored(name: str) -> None:
    low, high = RANGES[name]
    spec, floats = Spec("images", (12, 13, 1)), Spec("images", (12, 13, 1), low=low, high=high)
    for metric in (Reconstruction(None), Denoising("masking", 0.3, None), Likelihood(3, None, "fixed")):
        expected, found = values(metric, spec, BYTES), values(metric, floats, stored(low, high))
        assert found == pytest.approx(expected, rel=1e-3), type(metric).__name__
    assert {"mse", "psnr", "ssim"} == set(values(Reconstruction(None), floats, stored(low, high)))


def test_black_and_white_are_the_ends_of_the_range() -> None:
    spec = Spec("images", (12, 13, 1), low=-1000.0, high=3000.0)
    given = evaluation(small_vae(spec, 2), stored(-1000, 3000)).real
    found = binarized(small_vae(spec, 2), given, "fixed", 0).pool.images
    assert found.dtype == np.float32 and (found == np.where(BYTES >= 128, 3000, -1000)).all()


def test_a_run_on_floats_is_evaluated_while_it_trains_and_after(genctl: Genctl) -> None:
    np.savez("data.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    words = ("dataset=npz", "dataset.path=data.npz", "trainer.steps=4", "trainer.xla=false", "name=x")
    genctl.good("train", *tiny("vae"), *words, "callbacks.evaluate.every_steps=2", "metrics=default")
    kept = [json.loads(path.read_text()) for path in sorted(Path("runs/x/evaluations").glob("step-*.json"))]
    named = [{row["number"]["metric"] for row in rows} for rows in kept]
    assert len(named) == 2 and {"mse", "ssim", "denoising_mse", "frechet_distance/pixels", "elbo"} <= named[0]
    genctl.good("evaluate", "run=runs/x", "n=40", "metrics=[reconstruction]")
