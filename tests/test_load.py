"""A trained run in Python: genctl.load."""

import doctest
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import genctl
from genctl.compute.context import Noise, truncated
from genctl.errors import UserError
from genctl.runs.trained import Trained

Runs = Callable[[str], Path]
Loaded = Callable[[str], Trained]


def test_importing_genctl_brings_no_tensorflow() -> None:
    code = "import genctl, sys; assert genctl.load and not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_of_the_docstring(tiny_run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny_run("vae"), tmp_path / "outputs" / "first")
    monkeypatch.chdir(tmp_path)
    [example] = doctest.DocTestFinder().find(genctl.load, "load", globs={})
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_example_of_training_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [example] = doctest.DocTestFinder().find(genctl.train, "train", globs={})
    assert example.examples
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0
    words = ("model=vae", "encoder=mlp", "decoder=mlp", "name=again")
    assert genctl.train(*words, "trainer.steps=100").summary.steps == 100  # there is nothing left to do


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("model.bta=3",), "Did you mean 'model.beta'?"),
        (("-m", "seed=1,2"), "genctl.train takes settings alone, such as 'model=vae', but got -m seed=1,2"),
        (("--lr", "3"), "genctl.train takes settings alone"),
        (("seed=1,2",), "is a list of values"),
        (("trainer.steps=-1",), "trainer.steps=-1"),
    ],
)
def test_a_mistake_in_python_is_an_exception(words: tuple[str, ...], message: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(message)):
        genctl.train(*words)
    assert not list(tmp_path.iterdir())


def test_loading_leaves_the_callers_random_state_alone(tiny_run: Runs) -> None:
    run = tiny_run("ae")
    states = random.getstate(), np.random.get_state()[1].tolist()
    genctl.load(run)
    assert states == (random.getstate(), np.random.get_state()[1].tolist())


def test_two_runs_side_by_side(loaded: Loaded, tiny_run: Runs) -> None:
    vae, gan = loaded("vae"), loaded("gan")
    images = vae.sample(3, seed=1)
    assert (genctl.load(tiny_run("vae")).sample(3, seed=1) == images).all()
    assert (gan.sample(2, label=[3, 4]) != gan.sample(2, label=5)).any()
    codes = np.ones((2, 6), np.float32)
    assert (gan.decode(codes, ["3", "4"]) == np.concatenate([gan.decode(codes[:1], name) for name in "34"])).all()


def test_floats_in_the_units_of_the_data_are_read_as_such(loaded: Loaded) -> None:
    run = loaded("vae")
    images = np.zeros((2, 8, 8), np.uint8)
    assert run.encode(images).shape == (2, 5)
    spec = run.spec.__class__("floats", (8, 8, 1), (), -2.0, 6.0)
    values = spec.readable(np.full((1, 8, 8, 1), 2.0))
    assert values.dtype == np.float32 and spec.to_bytes(values)[0, 0, 0, 0] == 128


@pytest.mark.parametrize(
    ("model", "call", "message"),
    [
        ("vae", lambda run: run.encode(np.zeros((2, 7, 8, 1), np.uint8)), r"shape \[2, 7, 8, 1\]: .*\(n, 8, 8, 1\)"),
        ("vae", lambda run: run.encode(np.full((2, 8, 8, 1), "a")), "examples of type <U1: give numbers"),
        ("vae", lambda run: run.encode(np.zeros((0, 8, 8, 1), np.uint8)), "n at least 1"),
        ("vae", lambda run: run.decode(np.zeros((2, 4))), r"this run's are \(n, 5\) numbers, n at least 1"),
        ("vae", lambda run: run.sample(1, label=3), "not class-conditional"),
        ("gan", lambda run: run.decode(np.zeros((2, 6))), "class-conditional: give label"),
        ("gan", lambda run: run.decode(np.zeros((2, 6)), [1, 2, 3]), "3 labels for 2 examples"),
        (
            "gan",
            lambda run: run.encode(np.zeros((2, 8, 8, 1), np.uint8)),
            "Families that can: .*model=ae, model=aegan, .*model=vae",
        ),
    ],
)
def test_mistakes(loaded: Loaded, model: str, call: Callable, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call(loaded(model))


@pytest.mark.parametrize("model", ["vae", "aegan"])
def test_without_temperature_every_sample_is_the_same(loaded: Loaded, model: str) -> None:
    run = loaded(model)
    cold, warm = run.sample(9, temperature=0), run.sample(9)
    assert (cold == cold[0]).all() and (warm != warm[0]).any()


def test_truncation_follows_the_truncated_normal_distribution() -> None:
    values = Noise(0, bound=1.5).normal("z", (100_000,)).numpy()
    plain = Noise(0).normal("z", (100_000,)).numpy()
    assert np.abs(values).max() <= 1.5 and (np.argsort(values[:100]) == np.argsort(plain[:100])).all()
    grid = np.linspace(-1.5, 1.5, 20_001)
    density = np.exp(-(grid**2) / 2)
    variance = np.trapezoid(grid**2 * density, grid) / np.trapezoid(density, grid)
    assert values.var() == pytest.approx(variance, rel=0.02)
    assert np.isfinite(truncated(tf.constant([-9.0, 9.0]), 8.0)).all()
    np.testing.assert_allclose(Noise(0, scale=0.5).normal("z", (9,)), plain[:9] / 2)


def test_a_family_without_normal_noise_takes_no_temperature(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    run = loaded("vae")
    monkeypatch.setattr(run.strategy, "draw", lambda label, noise: noise.uniform("z", (len(label), 5)), raising=False)
    with pytest.raises(UserError, match="VAE draws none"):
        run.sample(1, temperature=0.5)
