"""Autoencoders with GANs: who moves when, losses by their definitions, and what a run may begin with."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, newest_weights, rows
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from genctl.cli.composition import Request, compose
from genctl.compute.context import Noise, StepContext
from genctl.config import schedules
from genctl.data.spec import Spec
from genctl.errors import UserError
from genctl.networks.conv import build_conv_down
from genctl.networks.features import features
from genctl.runs import build, rundir
from genctl.strategies.parts.generator import mixed, standardized
from genctl.strategies.parts.strategy import Batch, Strategy

SPEC = Spec(name="tiny", image_shape=(4, 4, 1), class_names=("a", "b"))
WIDTHS = {"encoder": 5, "decoder": 6, "generator": 7, "discriminator": 8}
MINIMAX = ("model.adversarial=non_saturating", "model.penalty=none")
PHASES = ("model.phases.autoencoder=4", "model.phases.adversarial=4", "model.phases.joint=4")


def mlps(*roles: str) -> list[str]:
    return [word for role in roles for word in (f"{role}=mlp", f"{role}.units=[{WIDTHS[role]}]")]


ROLES = {
    "aegan": ("encoder", "decoder", "generator", "discriminator"),
    "aegan_image": ("encoder", "decoder", "generator", "discriminator"),
    "aegan_multilevel": ("encoder", "discriminator"),
    "latent_gan": ("encoder", "decoder", "generator", "discriminator"),
    "gan_through_ae": ("encoder", "decoder", "generator", "discriminator"),
    "vaegan": ("encoder", "decoder", "discriminator"),
    "aae": ("encoder", "decoder", "discriminator"),
}


def built(model: str, *words: str) -> Strategy:
    """The strategy of a preset with small networks, for images of 4x4."""
    request = Request("train", [f"model={model}", *mlps(*ROLES[model]), "model.latent_dim=3", *words], [])
    return build.strategy(rundir.plain(compose(request)[0]), SPEC, ())


def images(count: int = 6) -> Batch:
    values = np.random.default_rng(0).uniform(-1, 1, (count, 4, 4, 1)).astype(np.float32)
    return {"image": tf.constant(values), "label": tf.one_hot(np.arange(count) % 2, 2)}


def weights(strategy: Strategy) -> dict[str, list[np.ndarray]]:
    return {role: [variable.numpy() for variable in net.variables] for role, net in strategy.networks.items()}


SIZES = ("model.levels=2", "model.level_steps=1", "decoder.filters=[4,3]", "generator.filters=[4,3]")


@pytest.mark.parametrize(
    ("model", "words", "phase", "moved"),
    [
        ("aegan", (), "autoencoder", "encoder decoder"),
        ("aegan", (), "adversarial", "generator discriminator"),
        ("aegan", ("model.generator_input=codes",), "joint", "encoder decoder generator discriminator"),
        ("aegan_image", (), "adversarial", "generator discriminator"),
        ("aegan_multilevel", SIZES, "autoencoder_1", "encoder_1 decoder"),
        ("aegan_multilevel", SIZES, "adversarial_1", "generator discriminator_1"),
        ("latent_gan", (), "autoencoder", "encoder decoder"),
        ("latent_gan", (), "adversarial", "generator discriminator"),
    ],
)
def test_a_phase_moves_its_own_networks_and_no_bit_of_the_others(
    model: str, words: tuple[str, ...], phase: str, moved: str
) -> None:
    strategy = built(model, *words)
    assert phase in strategy.phases
    before = weights(strategy)
    context = StepContext(tf.constant(0, tf.int64), phase, Noise(0))
    tf.function(lambda: strategy.step(images(), context))()
    after = weights(strategy)
    same = {role for role in before if all((a == b).all() for a, b in zip(before[role], after[role], strict=True))}
    assert before.keys() - same == set(moved.split())


def sizes_of_images(strategy: Strategy) -> list[tuple[int, ...]]:
    return [tuple(network.input_shape[1:]) for role, network in strategy.networks.items() if "encoder" in role]


def test_a_level_has_networks_of_its_own_size_and_all_learn_at_once_without_level_steps() -> None:
    strategy = built("aegan_multilevel", *SIZES, "model.level_steps=0")
    assert list(strategy.phases) == ["autoencoder", "adversarial", "joint"]
    assert sizes_of_images(strategy) == [(2, 2, 1), (4, 4, 1)]
    with pytest.raises(UserError, match="model.levels=3: decoder or generator gives 2"):
        built("aegan_multilevel", *SIZES, "model.levels=3")


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def error(first: tf.Tensor, second: tf.Tensor) -> float:
    """The squared error in intensities, by its definition."""
    return float(np.mean(np.sum(np.square((np.asarray(first) - np.asarray(second)) / 2), axis=(1, 2, 3))))


@pytest.mark.parametrize("output", ["code", "image"])
def test_the_joint_loss_of_aegan(output: str) -> None:
    weight = "model.adversarial_weight={linear: {start: 0, end: 4, steps: 10}}"
    strategy = built("aegan", "model.reconstruction_weight=3", weight, f"model.generator_output={output}")
    batch, context = images(), StepContext(5, "joint", Noise(0, 5))
    loss, logs = strategy.joint_loss(batch, strategy.generate(batch, context, training=True), context)
    z = context.noise.normal("z", (6, 3))
    made = strategy.generator(z, training=True)
    fake = tf.tanh((strategy.decoder(made) if output == "code" else made) / 2)
    adversarial = -strategy.discriminator(fake).numpy().mean()
    reconstruction = error(batch["image"], strategy.reconstruct(batch))
    assert float(loss) == pytest.approx(3 * reconstruction + 2 * adversarial, rel=1e-5)
    assert float(logs["adversarial_weight"]) == 2 and float(logs["loss"]) == pytest.approx(reconstruction, rel=1e-5)


def test_the_still_decoders_images_are_the_real_ones_for_a_generator_of_codes() -> None:
    strategy, batch = built("aegan"), images()
    context = StepContext(0, "adversarial", Noise(0))
    _, logs = strategy.discriminator_loss(
        batch, strategy.generate(batch, context, training=False), context, training=False
    )
    real = strategy.discriminator(strategy.reconstruct(batch)).numpy()
    z = context.noise.normal("z", (6, 3))
    fake = strategy.discriminator(strategy.decode(strategy.generator(z), batch["label"][:, :0])).numpy()
    assert float(logs["discriminator/loss"]) == pytest.approx(fake.mean() - real.mean(), rel=1e-4)


def test_a_generator_through_an_autoencoder() -> None:
    strategy, batch, context = built("gan_through_ae", "model.reconstruction_weight=2"), images(), at_once()
    loss, _ = strategy.generator_loss(batch, strategy.generate(batch, context, training=True), context)
    fake = tf.tanh(strategy.generator(context.noise.normal("z", (6, 3)), training=True) / 2)
    through = tf.tanh(strategy.decoder(strategy.encoder(fake)) / 2)
    expected = softplus(-strategy.discriminator(fake).numpy()).mean() + 2 * error(fake, through)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def at_once() -> StepContext:
    return StepContext(0, "train", Noise(0))


def test_the_adversarial_autoencoders_critic_takes_the_prior_for_real() -> None:
    strategy, batch, context = built("aae"), images(), at_once()
    code = strategy.generate(batch, context, training=True)
    loss, _ = strategy.discriminator_loss(batch, code, context, training=True)
    real = strategy.discriminator(context.noise.normal("prior", (6, 3))).numpy()
    fake = strategy.discriminator(strategy.encoder(batch["image"])).numpy()
    assert float(loss) == pytest.approx(softplus(-real).mean() + softplus(fake).mean(), rel=1e-5)
    assert float(strategy.generator_loss(batch, code, context)[0]) == pytest.approx(softplus(-fake).mean(), rel=1e-5)


def test_the_losses_of_vaegan() -> None:
    strategy, batch, context = built("vaegan", "model.beta=2", "model.gamma=3", *MINIMAX), images(5), at_once()
    made = strategy.generate(batch, context, training=False)
    inferrer, generator, logs = strategy.losses(batch, made, context, training=False)
    shown = batch["image"][::2]
    mean, log_variance = np.split(strategy.encoder(shown).numpy(), 2, axis=1)
    rate = 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1).mean()
    code = mean + np.exp(log_variance / 2) * context.noise.normal("code", (3, 3)).numpy()
    reconstructed = strategy.decode(tf.constant(code), batch["label"][:3, :0])
    sampled = strategy.decode(context.noise.normal("prior", (2, 3)), batch["label"][:2, :0])
    seen = [hidden(strategy, shown), hidden(strategy, reconstructed)]
    distance = 0.5 * np.sum((seen[0] - seen[1]) ** 2, axis=1).mean()
    fake = strategy.discriminator(tf.concat([reconstructed, sampled], axis=0)).numpy()
    assert float(inferrer) == pytest.approx(2 * rate + distance, rel=1e-4)
    assert float(generator) == pytest.approx(3 * distance + softplus(-fake).mean(), rel=1e-4)
    assert float(logs["rate"]) == pytest.approx(rate, rel=1e-4)
    discriminator, _ = strategy.discriminator_loss(batch, made, context, training=False)
    real = strategy.discriminator(batch["image"]).numpy()
    assert float(discriminator) == pytest.approx(softplus(-real).mean() + softplus(fake).mean(), rel=1e-4)


def hidden(strategy: Strategy, image: tf.Tensor) -> np.ndarray:
    """The leaky rectified units of the discriminator's one hidden layer."""
    kernel, bias = (variable.numpy() for variable in strategy.discriminator.variables[:2])
    x = np.asarray(image).reshape(len(image), -1) @ kernel + bias
    return np.where(x > 0, x, 0.2 * x)


@pytest.mark.parametrize("units", [(), (7,)])
def test_features_are_what_the_convolutions_make(units: tuple[int, ...]) -> None:
    network = build_conv_down((8, 8, 1), (1,), [3, 5], 3, "leaky_relu", "spectral", 0.0, units)
    assert features(network)(tf.zeros((2, 8, 8, 1)), False).shape == (2, 2 * 2 * 5)


def test_features_need_a_network_that_shows_its_layers() -> None:
    class Opaque(tf.keras.Model):
        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return inputs

    with pytest.raises(UserError, match="such as discriminator=conv"):
        features(Opaque())


def test_noise_and_standardized_codes_in_turn() -> None:
    z = tf.zeros((4, 2))
    code = tf.constant([[1.0, 5], [3, 5], [5, 9], [7, 9]])
    given = mixed("both", z, lambda: code).numpy()
    expected = standardized(code).numpy()
    assert (given[::2] == 0).all() and (given[1::2] == expected[1::2]).all()
    np.testing.assert_allclose([expected.mean(axis=0), expected.std(axis=0)], [[0, 0], [1, 1]], atol=1e-5)
    assert mixed("noise", z, lambda: code) is z and (mixed("codes", z, lambda: code) == expected).numpy().all()


def test_a_rate_that_changes_with_the_phase() -> None:
    rate = schedules.in_phase("joint", schedules.linear(4, 2), 1.0)
    moments = [("adversarial", 4, (0, 5)), ("joint", 5, (5, 15)), ("joint", 10, (5, 15)), ("joint", 15, (5, 15))]
    seen = [schedules.at(rate, StepContext(step, phase, Noise(0), span)) for phase, step, span in moments]
    assert [float(value) for value in seen] == [1, 4, 3, 2]


TINY = (
    "outputs=runs",
    "dataset.limit=64",
    "trainer.batch_size=16",
    "trainer.xla=false",
    "callbacks.images.every_steps=0",
)


def arrays(run: str, role: str) -> list[np.ndarray]:
    state = load_file(sorted(Path(run).glob("checkpoints/step-*/state.safetensors"))[-1])
    return [value for name, value in sorted(state.items()) if name.startswith(f"networks/{role}/")]


def test_a_finished_autoencoder_stands_in_for_the_first_phase(genctl: Genctl) -> None:
    both = (*mlps("encoder", "decoder"), *TINY)
    genctl.good("train", "model=ae", *both, "name=ae", "trainer.steps=3")
    genctl.good("train", "model=gan", *mlps("generator", "discriminator"), *TINY, "name=gan", "trainer.steps=1")
    words = ("train", "model=latent_gan", *both, *mlps("generator", "discriminator"), "model.phases.autoencoder=0")
    start = (*words, "name=x", "trainer.steps=2", "model.autoencoder=runs/ae")
    assert "runs/ae/checkpoints/step-000000003" in genctl.good(*start).out
    for role in ("encoder", "decoder"):
        for mine, theirs in zip(arrays("runs/x", role), arrays("runs/ae", role), strict=True):
            assert (mine == theirs).all()
    refused = (*words, "name=y", "trainer.steps=2")
    assert "or a finished run as model.autoencoder=RUN." in genctl.bad(*refused)
    assert "encoder/000.kernel is float32[64, 5] there and" in genctl.bad(*start, "name=y", "encoder.units=[9]")
    assert "has no encoder and decoder" in genctl.bad(*refused, "model.autoencoder=runs/gan")
    assert "Did you mean" in genctl.bad(*refused, "model.autoencoder=runs/aee")
    assert "/3 is not there" in genctl.bad(*refused, "model.autoencoder=3")
    assert not Path("runs/y").exists()
    shutil.rmtree("runs/ae")
    genctl.good("resume", "run=runs/x", "trainer.steps=4")
    genctl.good("sample", "run=runs/x", "n=2")


def test_an_autoencoder_that_nothing_has_trained_is_refused_or_all_learn_at_once(genctl: Genctl) -> None:
    words = ("train", "model=aegan", *TINY, "model.phases.autoencoder=0", "trainer.steps=1")
    assert "or model.phases.adversarial=0 to train all networks at once" in genctl.bad(*words)
    assert built("aegan", "model.phases.autoencoder=0", "model.phases.adversarial=0").phase(0) == "joint"


def test_contraction_is_refused_beside_batch_normalization() -> None:
    with pytest.raises(UserError, match="encoder.normalization=group"):
        built("aegan", "model.contraction_weight=0.1", "encoder.normalization=batch")


def test_a_stop_in_a_later_phase_changes_nothing(genctl: Genctl) -> None:
    small = (
        "callbacks.log.every_steps=3",
        "callbacks.validate.every_steps=5",
        "model.contraction_weight=0.1",
        *PHASES,
        *TINY,
    )
    words = ("train", "model=aegan_image", *mlps(*ROLES["aegan_image"]), *small)
    genctl.good(*words, "name=whole")
    genctl.good(*words, "name=parts", "trainer.steps=7")
    genctl.good("resume", "run=runs/parts", "trainer.steps=12", "model.phases.joint=4")
    assert newest_weights("runs/parts") == newest_weights("runs/whole")
    assert rows("runs/parts") == rows("runs/whole")
    charts = EventAccumulator("runs/whole/train").Reload().Tags()["tensors"]
    assert {"autoencoder/contraction", "adversarial/generator/loss", "joint/joint_loss"} <= set(charts)
