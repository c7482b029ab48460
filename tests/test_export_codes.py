"""What is needed elsewhere for a likelihood and for new samples: log variances, and the prior that was fitted."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, tiny
from test_export import alone

import genctl as package

Runs = Callable[[str], Path]
IMAGES = np.random.default_rng(1).integers(0, 256, (9, 8, 8, 1), np.uint8)


@pytest.mark.parametrize("kind", ["keras", "savedmodel", "tflite", "onnx"])
def test_means_and_log_variances_give_the_rate(genctl: Genctl, tiny_run: Runs, kind: str) -> None:
    pytest.importorskip("tf2onnx") if kind == "onnx" else None
    genctl.good("export", f"run={tiny_run('vae')}", f"format={kind}", "part=encoder", "out=out")
    file, run = "encoder" + ("" if kind == "savedmodel" else f".{kind}"), package.load(tiny_run("vae"))
    mean, log_variance = (
        alone({"image": IMAGES}, (file, output, ["image"]))[file] for output in ("code", "log_variance")
    )
    kl = (mean**2 + np.exp(log_variance) - 1 - log_variance) / 2
    batch = {"image": run.spec.to_unit(IMAGES), "label": tf.zeros((9, 0))}
    np.testing.assert_allclose(kl, run.strategy.rates(batch).numpy(), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(mean, run.encode(IMAGES), rtol=1e-4, atol=1e-6)
    assert log_variance.std() > 0
    card = Path("out/README.md").read_text()
    assert f"| `{file}` | `image` uint8 (n, 8, 8, 1) | `code`, `log_variance` |" in card
    assert "`log_variance`: q(z | image) is normal, with the mean `code`" in card
    assert "not in the files" not in card  # of the decoder, which was not asked for


@pytest.mark.parametrize("model", ["iwae", "vaegan"])
def test_other_families_with_one_normal_code(genctl: Genctl, trained: Callable[..., Path], model: str) -> None:
    small = ("encoder.filters=[4]", "decoder.filters=[4]", "model.latent_dim=5", "dataset.limit=40")
    game = ("discriminator.filters=[4]",) if model == "vaegan" else ("model.samples=2",)
    run = trained(
        f"model={model}", *small, *game, "trainer.steps=2", "trainer.batch_size=8", "callbacks.images.every_steps=0"
    )
    genctl.good("export", f"run={run}", "part=encoder", "out=out")
    given = alone({"image": IMAGES}, ("encoder.keras", "log_variance", ["image"]))["encoder.keras"]
    loaded = package.load(run)
    own = loaded.networks["encoder"](loaded.spec.to_unit(IMAGES), training=False).numpy()[:, 5:]
    np.testing.assert_allclose(given, own, rtol=1e-4, atol=1e-6)


class Given:
    """Noise that is given."""

    def __init__(self, uniform: float, normal: np.ndarray) -> None:
        self.values = {"uniform": np.full((1, 1), uniform, np.float32), "normal": normal[None].astype(np.float32)}

    def uniform(self, name: str, shape: Any) -> tf.Tensor:
        return tf.constant(self.values["uniform"])

    def normal(self, name: str, shape: Any) -> tf.Tensor:
        return tf.constant(self.values["normal"])


@pytest.mark.parametrize("conditional", [False, True])
def test_codes_are_drawn_from_the_prior_as_the_card_says(
    genctl: Genctl, trained: Callable[..., Path], conditional: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("model.latent_dim=4", "model.prior=mixture", "model.prior_components=3", "dataset.limit=700")
    run = trained(*tiny("ae")[:-3], *words, f"model.conditional={conditional}".lower(), "trainer.steps=20")
    genctl.good("export", f"run={run}", "out=out", "format=savedmodel")
    card, loaded = Path("out/README.md").read_text(), package.load(run)
    [code_block] = re.findall(r"```python\n(prior, .*?)```", card, re.DOTALL)
    monkeypatch.chdir("out")
    drawn: dict[str, Any] = {"np": np}
    exec(code_block.replace("of = 0 ", "of = 7 " if conditional else "of = 0 "), drawn)
    weights, random = loaded.strategy.prior.weights[7 * conditional], np.random.default_rng(0)
    component = random.choice(len(weights), p=weights)
    noise: Any = Given(weights[:component].sum() + weights[component] / 2, random.normal(size=4))
    label = tf.one_hot([7], loaded.strategy.label_dim)
    expected = loaded.strategy.draw(label, noise).numpy()
    assert len(weights) == 3 and drawn["code"].dtype == np.float32
    np.testing.assert_allclose(drawn["code"], expected, rtol=1e-4, atol=1e-5)


def test_without_a_prior_the_card_says_so(genctl: Genctl, tiny_run: Runs) -> None:
    genctl.good("export", f"run={tiny_run('ae')}", "part=decoder", "out=out")
    assert not Path("out/prior.npz").exists()
    assert "No distribution of codes was fitted" in Path("out/README.md").read_text()
