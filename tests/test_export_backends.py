"""Files of Keras give the same images on JAX and on PyTorch, in a process that has neither genctl nor TensorFlow."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl

import genctl as package

Runs = Callable[[str], Path]

ALONE = """
import sys
sys.modules["genctl"] = sys.modules["tensorflow"] = None  # so that importing them fails
import keras
import numpy as np
arrays = dict(np.load("arrays.npz"))

def load(file):
    model = keras.models.load_model(file)
    return lambda **names: model.predict({name: arrays[key] for name, key in names.items()}, verbose=0)

decode, generate = load("vae/decoder.keras"), load("gan/generator.keras")
results = {**load("vae/encoder.keras")(image="image"), "decoded": decode(code="codes")["image"]}
results["generated"] = generate(noise="noise", label="label")["image"]
try:
    results["no_class"] = generate(noise="noise", label="no_class")["image"]
except IndexError:
    pass
np.savez("results.npz", backend=keras.backend.backend(), **results)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_images_on_other_backends(genctl: Genctl, tiny_run: Runs, backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    genctl.good("export", f"run={tiny_run('vae')}", "out=vae")
    genctl.good("export", f"run={tiny_run('gan')}", "out=gan", "part=generator")
    generator, labels = np.random.default_rng(1), np.arange(10, dtype=np.int32)
    images = generator.integers(0, 256, (10, 8, 8, 1), np.uint8)
    noise = generator.normal(size=(10, 6)).astype(np.float32)
    vae, gan = package.load(tiny_run("vae")), package.load(tiny_run("gan"))
    codes = vae.encode(images)
    no_class = np.where(labels == 3, 10, labels).astype(np.int32)
    np.savez("arrays.npz", image=images, codes=codes, noise=noise, label=labels, no_class=no_class)
    subprocess.run(
        [sys.executable, "-c", ALONE], check=True, capture_output=True, env=os.environ | {"KERAS_BACKEND": backend}
    )
    given, made = dict(np.load("results.npz")), gan.decode(noise, [str(label) for label in labels])
    assert given["backend"] == backend
    np.testing.assert_allclose(given["code"], codes, rtol=1e-4, atol=1e-6)
    for ours, theirs in ((vae.decode(codes), given["decoded"]), (made, given["generated"])):
        assert theirs.dtype == np.uint8 and np.abs(ours.astype(int) - theirs).max() <= 1
    if backend == "jax":  # which raises no error within its own code
        blank = np.where((labels == 3)[:, None, None, None], 0, given["generated"])
        assert (given["no_class"] == blank).all()
    else:
        assert "no_class" not in given
