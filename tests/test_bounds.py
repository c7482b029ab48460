"""Bounds of models with codes, and the distributions that they are made of."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from test_codes import dense

from genctl.compute.context import Noise, StepContext
from genctl.data.spec import Spec
from genctl.objectives.bounds import active_units, floored_rate, importance_bound
from genctl.objectives.likelihoods import LIKELIHOODS
from genctl.objectives.normal import Normal
from genctl.strategies.hvae import HVAE
from genctl.strategies.iwae import IWAE
from genctl.strategies.parts.scale import decoded_loss, with_scale
from genctl.strategies.players.optimizers import Optimizer
from genctl.strategies.vae import VAE
from genctl.training.health import Health

NOISE = Noise(0, 1)
SPEC = Spec("x", (2, 2, 1))
Q, P = (0.7, -0.9), (-0.2, 0.4)  # mean, log variance


def normal(mean: float, log_variance: float, rows: int = 1) -> Normal:
    return Normal(tf.fill((rows, 1), mean), tf.fill((rows, 1), log_variance))


def density(z: np.ndarray, mean: float, log_variance: float) -> np.ndarray:
    return stats.norm.pdf(z, mean, np.exp(log_variance / 2))


def test_kl_of_two_normals_against_numerical_integration() -> None:
    z = np.linspace(-12, 12, 200_001)
    q, p = density(z, *Q), density(z, *P)
    expected = np.trapezoid(q * (np.log(q + 1e-300) - np.log(p)), z)
    assert normal(*Q).kl(normal(*P)).numpy() == pytest.approx(expected, rel=1e-5)


def test_densities_and_their_product() -> None:
    z = np.linspace(-6, 6, 2001)
    logs = normal(*Q, rows=2001).log_density(tf.constant(z[:, None], tf.float32))
    np.testing.assert_allclose(logs, np.log(density(z, *Q)), atol=1e-4)
    product = density(z, *Q) * density(z, *P)
    found = normal(*Q).times(normal(*P))
    expected = density(z, found.mean.numpy().item(), found.log_variance.numpy().item())
    np.testing.assert_allclose(expected, product / np.trapezoid(product, z), atol=1e-5)


def test_free_bits_are_a_floor_of_each_groups_mean() -> None:
    kl = tf.constant([[0.1, 3.0], [0.3, 1.0]])
    assert floored_rate(kl, 0.0).numpy() == pytest.approx(2.2)
    assert floored_rate(kl, 0.5).numpy() == pytest.approx(2.5)
    with tf.GradientTape() as tape:
        tape.watch(kl)
        rate = floored_rate(kl, 0.5)
    assert tape.gradient(rate, kl).numpy().tolist() == [[0, 0.5], [0, 0.5]]


def test_the_importance_bound_is_the_log_of_the_mean_weight() -> None:
    weights = np.array([[0.2, 0.6], [0.5, 0.5]], np.float32)
    np.testing.assert_allclose(importance_bound(tf.constant(np.log(weights))), np.log([0.4, 0.5]), rtol=1e-6)


def test_units_are_active_whose_means_vary() -> None:
    means = tf.constant([[0.0, 1.0, 5.0], [0.0, 1.1, 5.5]])
    assert active_units(means).numpy() == 1


def test_discretized_logistic_is_a_distribution_of_bytes() -> None:
    bytes_ = np.arange(256)
    images = tf.constant(bytes_[:, None] / 127.5 - 1, tf.float32)
    for logit in (-4.0, 0.3, 6.0):
        for log_scale in (-6.0, -2.0, 1.0):
            parameters = tf.repeat(tf.constant([[logit, log_scale]]), 256, axis=0)
            masses = np.exp(-LIKELIHOODS["discretized_logistic"].loss(images, parameters).numpy().astype(float))
            assert masses.sum() == pytest.approx(1, abs=1e-4)
            edges = stats.logistic.cdf((bytes_[1:] - 0.5) / 255, 1 / (1 + np.exp(-logit)), np.exp(log_scale))
            np.testing.assert_allclose(masses, np.diff([0, *edges, 1]), rtol=5e-3, atol=1e-7)


def test_the_optimal_sigma_is_the_best_one_for_the_batch_and_its_average_is_kept() -> None:
    generator = np.random.default_rng(0)
    likelihood = LIKELIHOODS["gaussian_optimal"]
    decoder = with_scale(dense((3,), (2, 2, 1)), likelihood)
    kept = []
    for batch in range(3):
        images = tf.constant(generator.uniform(-1, 1, (50, 2, 2, 1)), tf.float32)
        code = tf.constant(generator.normal(size=(50, 3)), tf.float32)
        means = decoder(code).numpy()[..., :1]
        difference = ((images.numpy() + 1) / 2 - 1 / (1 + np.exp(-means))).reshape(50, 4)
        best = np.sqrt((difference**2).mean())
        losses = [-stats.norm.logpdf(difference, 0, best * factor).sum(axis=1).mean() for factor in (0.9, 1.0, 1.1)]
        found = decoded_loss(decoder, likelihood, code, images, training=True).numpy().mean()
        assert found == pytest.approx(losses[1], rel=1e-5) and losses[1] < min(losses[0], losses[2]), batch
        kept.append(best**2)
    sigma = np.sqrt(np.mean(kept))  # of few batches it is the plain mean
    used = decoded_loss(decoder, likelihood, code, images, training=False).numpy()
    np.testing.assert_allclose(used, -stats.norm.logpdf(difference, 0, sigma).sum(axis=1), rtol=1e-5, atol=1e-5)
    alone = decoded_loss(decoder, likelihood, code[:1], images[:1], training=False).numpy()
    np.testing.assert_allclose(alone, used[:1], rtol=1e-4)
    assert [weight.name for weight in decoder.non_trainable_variables] == ["variance", "batches"]


def test_the_optimal_sigma_s_gradient_is_that_of_the_log_of_the_squared_error() -> None:
    likelihood = LIKELIHOODS["gaussian_optimal"]
    decoder = with_scale(dense((3,), (2, 2, 1)), likelihood)
    code, images = tf.random.stateless_normal((9, 3), (0, 0)), tf.random.stateless_uniform((9, 2, 2, 1), (0, 1), -1, 1)
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_mean(decoded_loss(decoder, likelihood, code, images, training=True))
        squares = tf.square((images + 1) / 2 - tf.sigmoid(decoder(code)[..., :1]))
        expected = 4 / 2 * tf.math.log(tf.reduce_mean(squares))  # Rybkin et al. 2021, equation 5
    for weight in decoder.trainable_variables:
        np.testing.assert_allclose(
            tape.gradient(loss, weight.value), tape.gradient(expected, weight.value), rtol=1e-4, atol=1e-6
        )


def test_a_learnt_scale_is_one_weight_of_the_decoder_and_begins_at_the_fixed_one() -> None:
    decoder = dense((2,), (2, 2, 1))
    scaled = with_scale(decoder, LIKELIHOODS["gaussian_learnt"])
    assert scaled.count_params() == decoder.count_params() + 1 == sum(np.size(w) for w in scaled.trainable_variables)
    code, images = tf.constant([[0.3, -1.0]]), tf.zeros((1, 2, 2, 1))
    fixed = LIKELIHOODS["gaussian"].loss(images, decoder(code))
    np.testing.assert_allclose(LIKELIHOODS["gaussian_learnt"].loss(images, scaled(code)), fixed, rtol=1e-5)
    np.testing.assert_allclose(
        LIKELIHOODS["gaussian_learnt"].image(scaled(code)), np.tanh(decoder(code) / 2), rtol=1e-6
    )


def optimizer() -> Optimizer:
    return Optimizer(keras.optimizers.SGD(), learning_rate=1.0)


COMMON = {
    "spec": SPEC,
    "encoder": dense,
    "decoder": dense,
    "optimizer": optimizer,
    "likelihood": "bernoulli",
    "binarization": "none",
    "ema_halflife": 0,
    "conditional": False,
}
BATCH = {"image": tf.constant([0.2, -0.5, 0.9, 0.0], shape=(1, 2, 2, 1)), "label": tf.zeros((1, 0))}


@pytest.mark.parametrize("family", [VAE, HVAE])
def test_the_mean_log_weight_is_the_bound_with_analytic_rates(family: type) -> None:
    keras.utils.set_random_seed(0)
    own = {"levels": [2, 3], "width": 4, "warmup_steps": 0} if family is HVAE else {"latent_dim": 2}
    strategy = family(**COMMON, **own, beta=1.0, free_bits=0.0)
    rows = {name: tf.repeat(value, 4000, axis=0) for name, value in BATCH.items()}
    elbo = -strategy.loss(rows, StepContext(0, "train", NOISE), training=False)[0].numpy()
    weights = strategy.log_weights(BATCH, NOISE.at(2), 4000)
    assert weights.shape == (1, 4000)
    error = weights.numpy().std() / np.sqrt(4000)
    assert weights.numpy().mean() == pytest.approx(elbo, abs=5 * error) and error < 0.03
    assert strategy.encode(rows).shape == (4000, strategy.code_dim)
    images = strategy.sample(rows["label"], NOISE)
    assert images.shape == (4000, 2, 2, 1) and np.abs(images).max() <= 1


@pytest.mark.parametrize("family", [VAE, IWAE, HVAE])
def test_active_units_are_of_the_codes_of_binarised_images(family: type) -> None:
    keras.utils.set_random_seed(0)
    own = {"levels": [2, 3], "width": 4, "warmup_steps": 0} if family is HVAE else {"latent_dim": 2}
    own |= {"samples": 2, "gradient": "plain"} if family is IWAE else {"beta": 1.0, "free_bits": 0.0}
    strategy = family(**{**COMMON, "binarization": "dynamic"}, **own)
    grey = tf.random.stateless_uniform((64, 2, 2, 1), (0, 0), -0.01, 0.01)
    batch = {"image": grey, "label": tf.zeros((64, 0))}
    logs = strategy.evaluate(batch, StepContext(0, "train", NOISE))
    binary = strategy.encode({**batch, "image": strategy.binarize(grey, NOISE)})
    assert logs["active_units"] == active_units(binary) > active_units(strategy.encode(batch)) == 0


def gradients(strategy: IWAE, rows: dict[str, tf.Tensor]) -> list[np.ndarray]:
    weights = [*strategy.encoder.trainable_variables, *strategy.decoder.trainable_variables]
    values = [weight.value for weight in weights]
    slopes = tf.function(lambda: tf.gradients(strategy.loss(rows, StepContext(0, "train", NOISE))[0], values))()
    return [slope.numpy() for slope in slopes]


def test_the_doubly_reparameterised_gradient_has_the_plain_ones_mean() -> None:
    rows = {name: tf.repeat(value, 50_000, axis=0) for name, value in BATCH.items()}
    found = []
    for gradient in ("plain", "doubly_reparameterized"):
        keras.utils.set_random_seed(0)
        found.append(gradients(IWAE(**COMMON, latent_dim=1, samples=3, gradient=gradient), rows))
    for plain, doubly in zip(*found, strict=True):
        np.testing.assert_allclose(doubly, plain, atol=0.01)
    assert max(np.abs(slope).max() for slope in found[0]) > 0.1


def test_a_posterior_that_stays_at_the_prior_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(logging.getLogger("genctl"), "warning", told.append)
    health = Health()
    for step in range(0, 3000, 500):
        health(step, step + 500, {"rate": 0.05, "distortion": 200.0})
    assert health.warned == ["posterior"] and health.since["posterior"] == 0
    Health()(0, 5000, {"rate": 0.5, "distortion": 200.0})
    [message] = told
    assert "model.beta={linear: {start: 0, end: 1, steps: 2000}}" in message
