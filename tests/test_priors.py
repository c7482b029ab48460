"""Priors that are fitted to the codes of deterministic autoencoders: what they are, and that runs keep them."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, tiny

from genctl.compute.context import Noise
from genctl.strategies.parts import priors

WORDS = (*tiny("ae"), "dataset.limit=200", "callbacks.validate.every_steps=0")


def clusters(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, 2) around (-3, 0) in a quarter of the cases and around (3, 0) in the others; which, one-hot."""
    generator = np.random.default_rng(seed)
    right = generator.uniform(size=count) < 0.75
    codes = generator.normal(size=(count, 2)) * [0.2, 1.0] + np.where(right, 3, -3)[:, None] * [1, 0]
    return codes, np.eye(2)[right.astype(int)]


def moments(codes: np.ndarray) -> np.ndarray:
    return np.concatenate([codes.mean(axis=0), np.cov(codes.T).ravel()])


@pytest.mark.parametrize(("components", "between"), [(1, 0.5), (2, 0.0)])
def test_drawn_codes_look_like_those_it_was_fitted_to(components: int, between: float) -> None:
    codes, _ = clusters(4000)
    prior = priors.fit(codes, np.zeros((4000, 0)), components, step=1, seed=0)
    drawn = prior.draw(tf.zeros((8000, 0)), Noise(0, 1)).numpy()
    assert (np.abs(drawn[:, 0]) < 2).mean() == pytest.approx(between, abs=0.1), "one Gaussian covers both clusters"
    assert (drawn >= codes.min(axis=0) - 1e-6).all() and (drawn <= codes.max(axis=0) + 1e-6).all()
    if components == 2:
        np.testing.assert_allclose(moments(drawn), moments(codes), atol=0.2)


def test_each_class_has_a_prior_of_its_own() -> None:
    prior = priors.fit(*clusters(500), components=3, step=1, seed=0)
    drawn = prior.draw(tf.one_hot([0, 1] * 50, 2), Noise(0, 1)).numpy()
    assert (drawn[::2, 0] < -2).all() and (drawn[1::2, 0] > 2).all()


def test_a_stored_prior_is_for_the_weights_that_it_was_fitted_with(tmp_path: Path) -> None:
    prior = priors.fit(*clusters(100), components=2, step=7, seed=0)
    prior.save(tmp_path)
    stored = priors.load(tmp_path, 7, 2, 2)
    assert stored is not None and stored.how == prior.how and stored.how["codes"] == 100
    assert all((old == new).all() for old, new in zip(prior[:-1], stored[:-1], strict=True))
    assert priors.load(tmp_path, 8, 2, 2) is None


def test_an_autoencoder_samples_from_its_prior_and_a_stopped_run_gets_the_same_one(genctl: Genctl) -> None:
    genctl.good("train", *WORDS, "name=whole", "trainer.steps=12", "callbacks.checkpoint.every_steps=6")
    genctl.good("train", *WORDS, "name=parts", "trainer.steps=6", "callbacks.checkpoint.every_steps=6")
    genctl.good("resume", "run=runs/parts", "trainer.steps=12")
    for name in ("whole", "parts"):
        genctl.good("sample", f"run=runs/{name}", "n=20", f"out={name}.npz")
    whole, parts = (np.load(f"{name}.npz")["samples"] for name in ("whole", "parts"))
    assert (whole == parts).all() and len(np.unique(whole.reshape(20, -1), axis=0)) == 20
    assert "no prior of its codes was fitted" in genctl.bad("sample", "run=runs/whole", "checkpoint=6")
    Path("runs/whole/prior.npz").write_bytes(b"no")
    assert "prior.npz is damaged" in genctl.bad("sample", "run=runs/whole")


def test_an_autoencoder_without_a_prior_says_how_to_get_one(genctl: Genctl) -> None:
    genctl.good("train", *WORDS, "model.prior=none", "trainer.steps=2", "name=x")
    message = genctl.bad("sample", "run=runs/x")
    assert "AE cannot sample (run=runs/x): no prior of its codes was fitted" in message and "model.prior=mix" in message
    genctl.good("train", *WORDS, "model.conditional=true", "trainer.steps=2", "name=y")
    genctl.good("sample", "run=runs/y", "label=7", "n=3")
