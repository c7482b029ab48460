"""Metrics of single examples and of codes, against closed forms and other people's implementations."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal, norm
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from genctl.compute.context import Noise
from genctl.data.examples import Examples, Split
from genctl.data.spec import Spec
from genctl.errors import Unsuited
from genctl.metrics.codes import ActiveShare, AggregatePosterior, Probes, Slope, active_shares, squared_mmd
from genctl.metrics.evaluation import Evaluation
from genctl.metrics.likelihood import ActiveUnits, Likelihood, active
from genctl.metrics.marginal_likelihood import binarized, bounds
from genctl.metrics.reconstruction import Denoising, Reconstruction, compare
from genctl.networks.mlp import build_mlp
from genctl.objectives.likelihoods import LIKELIHOODS, bernoulli
from genctl.objectives.normal import standard_normal_kl
from genctl.strategies.parts.strategy import Batch, Strategy
from genctl.strategies.players.optimizers import Optimizer
from genctl.strategies.vae import VAE

VECTORS = Spec("vectors", (3,), low=-1.0, high=1.0)


def split_of(images: np.ndarray, labels: np.ndarray | None = None) -> Split:
    return Split("test", Examples(images, labels), np.arange(len(images)))


class LinearGaussian(Strategy):
    """x = A z + sigma e; the posterior that is drawn from is not quite the true one."""

    likelihood = LIKELIHOODS["gaussian"]
    matrix = np.array([[0.5, 0.1], [-0.3, 0.4], [0.2, 0.6]], np.float32)
    sigma = 0.3

    def log_terms(self, batch: Batch, noise: Noise, samples: int) -> tuple[tf.Tensor, tf.Tensor]:
        mean, scale = (batch["image"] @ self.matrix)[:, None], 0.7
        normal = noise.normal("code", (tf.shape(mean)[0], samples, 2))
        code = mean + scale * normal
        error = (batch["image"][:, None] - tf.matmul(code, self.matrix.T)) / self.sigma
        likelihood = -0.5 * tf.reduce_sum(tf.square(error), 2) - 3 * math.log(self.sigma * math.sqrt(2 * math.pi))
        return likelihood, 0.5 * tf.reduce_sum(tf.square(normal) - tf.square(code), 2) + 2 * math.log(scale)

    def log_evidence(self, x: np.ndarray) -> np.ndarray:
        return multivariate_normal(cov=self.matrix @ self.matrix.T + self.sigma**2 * np.eye(3)).logpdf(x)


def test_the_bound_grows_with_k_to_a_likelihood_that_is_known() -> None:
    x = np.random.default_rng(0).normal(scale=0.5, size=(7, 3)).astype(np.float32)
    model = LinearGaussian(VECTORS, conditional=False)
    found = {k: bounds(model, split_of(x), k, "none", seed=0) for k in (1, 30, 50_000)}
    means = [found[k]["importance_weighted_bound"].mean() for k in found]
    assert means[0] < means[1] < means[2] and found[1]["elbo"].mean() == pytest.approx(means[0], abs=1e-5)
    np.testing.assert_allclose(found[50_000]["importance_weighted_bound"], model.log_evidence(x), atol=0.03)
    for one in found.values():
        np.testing.assert_allclose(one["elbo"], -one["distortion"] - one["rate"], rtol=1e-4)


def test_portions_change_no_more_than_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(scale=0.5, size=(5, 3)).astype(np.float32)
    model = LinearGaussian(VECTORS, conditional=False)
    whole = bounds(model, split_of(x), 10_000, "none", seed=0)
    monkeypatch.setattr(
        "genctl.metrics.marginal_likelihood.CELLS", 3 * 999
    )  # eleven portions, of which the last is not full
    parts = bounds(model, split_of(x), 10_000, "none", seed=0)
    for name, values in whole.items():
        np.testing.assert_allclose(parts[name], values, atol=0.2)
    assert (parts["elbo"] != whole["elbo"]).any()
    assert (parts["elbo"] == bounds(model, split_of(x), 10_000, "none", seed=0)["elbo"]).all()
    assert (parts["elbo"] != bounds(model, split_of(x), 10_000, "none", seed=1)["elbo"]).any()


def small_vae(spec: Spec, latent_dim: int, likelihood: str = "bernoulli") -> VAE:
    keras.utils.set_random_seed(0)
    network = functools.partial(build_mlp, units=[4], activation="tanh", normalization="none", dropout=0.0)
    optimizer = functools.partial(Optimizer, keras.optimizers.SGD(), learning_rate=1.0)
    return VAE(spec, network, network, optimizer, latent_dim, 1.0, likelihood, 0, False)


IMAGES = Spec("images", (2, 3, 1), class_names=("a", "b"))


def test_a_vae_s_bound_against_numerical_integration_over_its_code() -> None:
    model = small_vae(IMAGES, 1)
    model.encoder.set_weights(
        [0.1 * weight for weight in model.encoder.get_weights()]
    )  # near the prior: small variance
    x = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 1), np.uint8)
    found = bounds(model, split_of(x, np.zeros(4, np.int32)), 50_000, "fixed", seed=0)
    z = np.linspace(-8, 8, 4001, dtype=np.float32)[:, None]
    logits = model.decoder(z).numpy().reshape(1, len(z), 6)
    binary = (x >= 128).reshape(4, 1, 6)
    log_joint = (binary * logits - np.logaddexp(0, logits)).sum(2) - z[:, 0] ** 2 / 2 - math.log(2 * math.pi) / 2
    evidence = np.log(np.trapezoid(np.exp(log_joint), z[:, 0], axis=1))
    np.testing.assert_allclose(found["importance_weighted_bound"], evidence, atol=0.02)
    image = np.where(binary.reshape(4, 2, 3, 1), 1.0, -1.0).astype(np.float32)
    rate = standard_normal_kl(*model.autoencoder.infer({"image": image, "label": tf.zeros((4, 2))}))
    np.testing.assert_allclose(found["rate"], rate, atol=0.02)


def test_the_bound_with_an_optimal_sigma_is_one_of_each_example_by_itself() -> None:
    model = small_vae(IMAGES, 1, "gaussian_optimal")
    x = np.random.default_rng(0).integers(0, 256, (5, 2, 3, 1), np.uint8)
    few, many = (bounds(model, split_of(x, np.zeros(5, np.int32)), k, "none", seed=0) for k in (10, 20_000))
    z = np.linspace(-8, 8, 4001, dtype=np.float32)[:, None]
    means = 1 / (1 + np.exp(-model.decoder(z).numpy()[..., 0].reshape(1, len(z), 6)))
    log_likelihood = norm.logpdf(x.reshape(5, 1, 6) / 255, means, 0.1).sum(2)  # sigma before training
    evidence = np.log(np.trapezoid(np.exp(log_likelihood + norm.logpdf(z[:, 0])), z[:, 0], axis=1))
    np.testing.assert_allclose(many["importance_weighted_bound"], evidence, atol=0.05)
    assert few["importance_weighted_bound"].mean() < many["importance_weighted_bound"].mean()
    others = np.concatenate([x[:1], 255 - x[1:]])
    again = bounds(model, split_of(others, np.zeros(5, np.int32)), 10, "none", seed=0)
    assert again["importance_weighted_bound"][0] == few["importance_weighted_bound"][0]
    assert again["importance_weighted_bound"][1] != few["importance_weighted_bound"][1]


def evaluation(model: Strategy, images: np.ndarray, labels: np.ndarray | None = None) -> Evaluation:
    split = split_of(images, labels)
    return Evaluation(model.spec, split, split, seed=0, strategy=model)


def test_numbers_of_likelihood_say_what_they_are_of() -> None:
    x = np.random.default_rng(0).integers(0, 256, (9, 2, 3, 1), np.uint8)
    grey, binary = (
        {n.metric: n for n in Likelihood(5, None, kind)(evaluation(small_vae(IMAGES, 2), x))}
        for kind in ("none", "dynamic")
    )
    assert "bits_per_dimension" not in grey and grey["elbo"].protocol["binarization"] == "none"
    bits, bound = binary["bits_per_dimension"], binary["importance_weighted_bound"]
    assert bits.value == pytest.approx(-bound.value / 6 / math.log(2)) and bits.protocol["of"] == "binary pixels"
    assert bound.protocol | {"k": 5, "real": 9, "split": "test"} == bound.protocol
    few = {n.metric: n for n in Likelihood(1, None, "dynamic")(evaluation(small_vae(IMAGES, 2), x))}
    assert few["distortion"].value == pytest.approx(binary["distortion"].value, rel=0.1)
    drawn = [binarized(small_vae(IMAGES, 2), split_of(x), "dynamic", seed).pool.images for seed in (0, 0, 1)]
    assert set(np.unique(drawn[0])) == {0, 255} and (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()
    continuous = evaluation(small_vae(IMAGES, 2, "gaussian"), x)
    density = {n.metric: n for n in Likelihood(5, 4, "none")(continuous)}["bits_per_dimension"]
    assert "density" in density.protocol["of"] and density.protocol["real"] == 4
    with pytest.raises(Unsuited, match="binarization=fixed"):
        Likelihood(5, None, "fixed")(continuous)
    as_trained = small_vae(IMAGES, 2)
    as_trained.binarization = "dynamic"
    found = {n.metric: n for n in Likelihood(5, None, None)(evaluation(as_trained, x))}
    assert found == binary and {n.protocol["binarization"] for n in found.values()} == {"dynamic"}
    assert {n.protocol["binarization"] for n in Likelihood(5, 4, None)(continuous)} == {"none"}
    assert not small_vae(IMAGES, 2, "squared_error").can("likelihood") and small_vae(IMAGES, 2).can("likelihood")


def test_the_bernoulli_loss_and_its_gradient_are_the_cross_entropy_s() -> None:
    generator = np.random.default_rng(0)
    for shape in ((784,), (7, 13, 3), (17,)):
        logits = tf.constant(generator.normal(size=(5, *shape)) * 20, tf.float32)
        x = tf.constant(generator.uniform(-1, 1, (5, *shape)), tf.float32)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(logits)
            loss = bernoulli(x, logits)
            entropy = tf.nn.sigmoid_cross_entropy_with_logits((x + 1) / 2, logits)
            expected = tf.reduce_sum(tf.reshape(entropy, (5, -1)), axis=1)
        np.testing.assert_allclose(loss, expected, rtol=1e-6)
        np.testing.assert_allclose(tape.gradient(loss, logits), tape.gradient(expected, logits), atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28, 1), (33, 40, 3)])
def test_ssim_and_psnr_as_scikit_image_computes_them(shape: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (3, *shape), np.uint8)
    y = np.clip(x + generator.normal(scale=30, size=x.shape), 0, 255).astype(np.uint8)
    found = compare(x, y, is_image=True)
    ours = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
        "channel_axis": 2,
    }
    np.testing.assert_allclose(
        found["ssim"], [structural_similarity(a, b, **ours) for a, b in zip(x, y, strict=True)], atol=1e-4
    )
    expected = [peak_signal_noise_ratio(a, b, data_range=255) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(found["psnr"], expected, rtol=1e-6)
    assert "ms_ssim" not in found


def test_images_of_any_size_have_measures_and_equal_ones_have_the_best() -> None:
    for side in (2, 8, 161):
        x = np.random.default_rng(0).integers(0, 256, (2, side, side, 1), np.uint8)
        found = compare(x, x, is_image=True)
        assert found["mse"].max() == 0 and found["psnr"].max() < 60 and found["ssim"].min() == pytest.approx(1)
        assert ("ms_ssim" in found) == (side == 161)


def test_reconstructions_of_vectors_have_an_error_in_the_data_s_units() -> None:
    spec = Spec("v", (2,), low=0.0, high=10.0)
    x = np.random.default_rng(0).uniform(0, 10, (600, 2)).astype(np.float32)
    model = small_vae(spec, 1, "gaussian")
    [mse] = Reconstruction(None)(evaluation(model, x))
    copies = spec.to_own(model.reconstruct({"image": spec.to_unit(x), "label": tf.zeros((600, 0))}).numpy())
    assert mse.value == pytest.approx(np.square(x - copies).mean(), rel=1e-5) and "data" in mse.unit


def test_restoring_nothing_costs_what_the_damage_does() -> None:
    x = np.full((300, 2, 3, 1), 255, np.uint8)
    images = evaluation(small_vae(IMAGES, 1), x)
    object.__setattr__(images.strategy, "reconstruct", lambda batch: batch["image"])
    [masked] = Denoising("masking", 0.25, None)(images)
    assert masked.value == pytest.approx(0.25 * 255**2, rel=0.05) and masked.protocol["corruption"] == "masking"
    [untouched] = Denoising("gaussian", 0.0, 7)(images)
    assert untouched.value == 0 and untouched.protocol["real"] == 7


def test_the_slope_of_a_linear_encoder_is_its_weights_norm() -> None:
    x = np.random.default_rng(0).integers(0, 256, (2000, 2, 3, 1), np.uint8)
    model = small_vae(IMAGES, 2)
    weights = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    object.__setattr__(model, "encode", lambda batch: tf.reshape(batch["image"], (-1, 6)) @ weights)
    [slope] = Slope(16, None)(evaluation(model, x))
    assert slope.value == pytest.approx(4 * np.square(weights).sum(), rel=0.03)
    assert slope.error == pytest.approx(slope.value * np.sqrt(2 / 16 / 2000), rel=1)  # chi-squared, at most


def test_sparse_codes_have_a_small_active_share() -> None:
    codes = np.zeros((4, 8))
    codes[:, :2] = 3.0
    codes[:, 2] = 1e-3
    assert active_shares(codes).tolist() == [0.25] * 4
    x = np.random.default_rng(0).integers(0, 256, (5, 2, 3, 1), np.uint8)
    [number] = ActiveShare(None)(evaluation(small_vae(IMAGES, 5), x))
    assert 0.8 < number.value <= 1


def test_units_are_active_by_the_variance_of_their_means() -> None:
    means = np.random.default_rng(0).normal(size=(5000, 3)) * np.sqrt([0.02, 0.005, 1.0])
    assert active(means, 0.01) == 2
    x = np.random.default_rng(0).integers(0, 256, (50, 2, 3, 1), np.uint8)
    model = small_vae(IMAGES, 5)
    model.binarization = "fixed"
    [number] = ActiveUnits(None)(evaluation(model, x))
    assert number.unit == "of 5" and number.protocol["binarization"] == "fixed"
    whites = model.encode({"image": tf.constant(np.where(x < 128, -1, 1), tf.float32), "label": tf.zeros((50, 2))})
    assert number.value == active(whites.numpy(), 0.01)


def test_the_discrepancy_by_its_definition_and_near_zero_for_equal_distributions() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(1500, 4)), generator.normal(size=(1300, 4))
    assert abs(squared_mmd(x, y, 8.0)) < 2e-3 < 0.05 < squared_mmd(x, y + 1, 8.0)
    a, b = x[:3], y[:2]

    def k(p: np.ndarray, q: np.ndarray) -> float:
        return 8 / (8 + np.square(p - q).sum())

    within = sum(k(a[i], a[j]) for i in range(3) for j in range(3) if i != j) / 6 + k(b[0], b[1])
    between = np.mean([[k(p, q) for q in b] for p in a])
    assert squared_mmd(a, b, 8.0) == pytest.approx(within - 2 * between)


def test_codes_tell_labels_and_their_distance_from_the_prior() -> None:
    labels = (np.arange(300) % 2).astype(np.int32)
    x = (
        np.random.default_rng(0).integers(0, 60, (300, 2, 3, 1)).astype(np.uint8)
        + (180 * labels.astype(np.uint8))[:, None, None, None]
    )
    model = small_vae(IMAGES, 2)
    given = evaluation(model, x, labels)
    accuracies = Probes(5, 200, 100)(given)
    assert [n.value for n in accuracies] == [1.0, 1.0] and accuracies[0].protocol["train"] == 200
    [near] = AggregatePosterior(300)(given)
    model.encoder.layers[-1].bias.assign([2.0, 2.0, 0.0, 0.0])
    [far] = AggregatePosterior(300)(given)
    assert abs(near.floor or 1) < 0.02 and abs(near.value) < 0.1 < far.value
    with pytest.raises(Unsuited, match="neighbours=5"):
        Probes(5, 3, None)(given)
