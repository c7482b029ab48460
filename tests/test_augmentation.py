"""Where training images are augmented: for a discriminator generated ones too, so that no generator learns it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl
from test_aegan import images
from test_games import game

import genctl as package
from genctl.cli.composition import Request, compose
from genctl.compute.compiled import compiled
from genctl.compute.context import Noise, StepContext
from genctl.data.augment import augmenter
from genctl.data.dataset import Augment
from genctl.data.spec import Spec
from genctl.runs import build, rundir
from genctl.strategies.parts.game import Game
from genctl.strategies.parts.strategy import Strategy

SPEC = Spec(name="tiny", image_shape=(4, 4, 1), class_names=("a", "b"))
MARK = 0.25
ROLES = ("encoder", "decoder", "generator", "discriminator")


def built(model: str, *words: str) -> Strategy:
    """The strategy of a preset with the smallest networks, for images of 4x4."""
    config = rundir.plain(compose(Request("train", [f"model={model}", *words], []))[0])
    for role in ROLES:
        if config.get(role) and config[role]["_target_"] != "genctl.networks.build_multiscale_up":
            config[role] = {"_target_": "genctl.networks.build_mlp", "units": [5], "activation": "tanh"}
            config[role] |= {"normalization": "none", "dropout": 0.0}
    return build.strategy(config, SPEC, ())


def marked(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """In place of an augmentation: whatever went through it is known by its numbers, and gradients pass."""
    return 1e-12 * images + MARK


def stepped(strategy: Strategy, batch: Any, phase: str, augment: Any) -> dict[str, float]:
    context = StepContext(tf.constant(0, tf.int64), phase, Noise(0), augment=augment)
    return {name: float(value) for name, value in compiled(lambda: strategy.step(batch, context))().items()}


SMALL = ("generator.filters=[4,3]", "model.levels=2", "decoder.filters=[4,3]")
OF_IMAGES = [
    ("gan", (), "train"),
    ("wgan", (), "train"),
    ("msgan", SMALL[:1], "train"),
    ("gan_through_ae", (), "train"),
    ("vaegan", (), "train"),
    ("aegan", (), "adversarial"),
    ("aegan", (), "joint"),
    ("aegan_image", ("model.generator_input=both",), "joint"),
    ("aegan_multilevel", SMALL, "adversarial"),
]
OF_CODES = [("aae", (), "train"), ("latent_gan", (), "adversarial")]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """All that a discriminator scores, in training."""
    seen: list[np.ndarray] = []
    plain = Game.score

    def score(*arguments: Any, **options: Any) -> Callable[[tf.Tensor], tf.Tensor]:
        inner = plain(*arguments, **options)

        def watched(values: tf.Tensor) -> tf.Tensor:
            tf.py_function(lambda found: seen.append(found.numpy()), [values], [])
            return inner(values)

        return watched

    monkeypatch.setattr(Game, "score", score)
    return seen


@pytest.mark.parametrize(("model", "words", "phase"), OF_IMAGES + OF_CODES)
def test_a_discriminator_of_images_sees_real_and_generated_ones_augmented_and_no_other_does(
    shown: list[np.ndarray], model: str, words: tuple[str, ...], phase: str
) -> None:
    strategy = built(model, *words, "model.penalty=none")
    stepped(strategy, images(10), phase, marked)
    assert len(shown) >= 3  # real and generated ones for the discriminator, generated ones for the generator
    for values in shown:
        assert (values == MARK).all() == ((model, words, phase) in OF_IMAGES)


@pytest.mark.parametrize("model", ["ae", "hae", "vae", "iwae", "hvae"])
def test_without_a_discriminator_a_step_is_that_of_the_augmented_images(model: str) -> None:
    batch = images()
    augmented = {**batch, "image": marked(batch["image"], Noise(0))}
    phase = next(iter(built(model).phases))
    assert stepped(built(model), batch, phase, marked) == stepped(built(model), augmented, phase, None)


@pytest.mark.parametrize(
    ("model", "phase"),
    [("aegan", "autoencoder"), ("aegan", "joint"), ("aae", "train"), ("latent_gan", "autoencoder")],
)
def test_an_autoencoder_beside_a_game_learns_from_augmented_images(model: str, phase: str) -> None:
    batch = images()
    augmented = {**batch, "image": marked(batch["image"], Noise(0))}
    found = stepped(built(model), batch, phase, marked)
    assert found["loss"] == stepped(built(model), augmented, phase, None)["loss"]
    assert found["loss"] != stepped(built(model), batch, phase, None)["loss"]


def test_the_forger_s_gradient_passes_the_augmentation() -> None:
    context = StepContext(0, "train", Noise(0), augment=augmenter(Augment(True, 1, 0.6), SPEC))
    fake, weights = (tf.random.stateless_normal((7, 4, 4, 1), (0, part)) for part in range(2))
    with tf.GradientTape() as tape:
        tape.watch(fake)
        wasserstein = game(adversarial="wasserstein")
        loss, _ = wasserstein.generator_loss(lambda x: tf.reduce_sum(x * weights, (1, 2, 3)), fake, context)
    slope = tape.gradient(loss, fake)
    assert float(tf.reduce_sum(slope * fake)) == pytest.approx(float(loss), rel=1e-4)  # all of it is linear
    assert float(loss) != pytest.approx(-float(tf.reduce_mean(tf.reduce_sum(fake * weights, (1, 2, 3)))), rel=0.01)


FRAMED = ("dataset=npz", "dataset.path=framed.npz", "dataset.augment.crop=0.6", "outputs=runs", "name=x")
FAST = (
    *("generator=mlp", "generator.units=[32]", "discriminator=mlp", "discriminator.units=[32]", "optimizer=adam"),
    *("optimizer.learning_rate=5e-3", "model.discriminator_learning_rate=5e-3", "model.ema_halflife=20"),
)


def test_a_generator_does_not_learn_to_crop(genctl: Genctl) -> None:
    """A crop to 0.6 of the side cuts most of a frame away: where it leaks, the frame of samples has about 145."""
    pictures = np.full((1000, 8, 8, 1), 255, np.uint8)
    pictures[:, 1:-1, 1:-1] = np.random.default_rng(0).integers(0, 128, (1000, 1, 1, 1))
    np.savez("framed.npz", images=pictures)
    words = ("trainer.steps=400", "trainer.batch_size=64", "callbacks.images.every_steps=0")
    said = genctl.good("train", "model=wgan_gp", *FRAMED, *FAST, *words).out
    assert "augmentation: of real and generated images alike, as the discriminator sees them;" in said
    samples = package.load("runs/x").sample(n=200)[..., 0]
    frame = np.concatenate([samples[:, 0], samples[:, -1], samples[:, :, 0], samples[:, :, -1]], axis=1)
    assert frame.mean() > 220 and samples[:, 2:-2, 2:-2].mean() < 90
