"""`genctl evaluate`: what it leaves in a run's directory, sets of images, and mistakes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import SPLITS, Genctl, tiny
from PIL import Image

from genctl.cli.main import main
from genctl.data.dataset import Augment, Dataset
from genctl.data.digits import load_digits
from genctl.errors import UserError
from genctl.metrics import results
from genctl.metrics.evaluation import Evaluation, Number
from genctl.metrics.features.inception import load_inception
from genctl.metrics.measure import measure

QUICK = ("features=classifier", "features.steps=60", "n=150")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a GAN, a VAE, and an AE of colour images without labels; its cache is shared by the tests."""
    root = tmp_path_factory.mktemp("evaluate")
    generator = np.random.default_rng(0)
    np.savez(root / "plain.npz", images=generator.integers(0, 256, (60, 9, 14, 3), np.uint8))
    plain = ("dataset=npz", f"dataset.path={root / 'plain.npz'}", "dataset.test_fraction=0.3")
    for name, model, more in (
        ("gan", "gan", ()),
        ("vae", "vae", ()),
        ("plain", "gan", plain),
        ("ae", "ae", (*plain, "model.prior=none")),
    ):
        words = (*tiny(model), *more, "trainer.steps=6", "trainer.xla=false", f"outputs={root}", f"name={name}")
        assert main(["train", *words]) == 0
    return root


@pytest.fixture
def runs(made: Path, genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same runs, where a test may change them."""
    shutil.copytree(made, "made", ignore=shutil.ignore_patterns("cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(made / "cache"))
    return Path("made")


def by_name(run: Path) -> dict[str, results.Record]:
    return {record.number.metric: record for record in results.read(run)}


def test_a_run_gets_numbers_with_their_floors_and_protocols(genctl: Genctl, runs: Path) -> None:
    out = genctl.good("evaluate", f"run={runs}/gan", *QUICK).out
    found = by_name(runs / "gan")
    assert {name.split("/")[0] for name in found} >= {
        *("frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage"),
        *("classes_hit", "class_entropy", "class_divergence", "train_distance", "copies"),
    }
    for name in found:
        assert name in out
    record = found["frechet_distance/classifier"]
    assert (record.step, record.checkpoint) == (6, "step-000000006") and record.when.endswith("+00:00")
    assert record.number.floor is not None and 0 < record.number.floor < record.number.value
    protocol = record.number.protocol
    assert protocol["samples"] == 150 and protocol["real"] == 180 and protocol["floor"] == "150 train"
    assert 0.5 < protocol["accuracy"] <= 1 and len(protocol["features_sha256"]) == 12
    assert found["kernel_distance/classifier"].number.error is not None
    assert list((runs / "gan" / "evaluation").glob("events.*"))
    picture = Image.open(runs / "gan" / "evaluations" / "step-000000006-nearest_training_images.png")
    assert picture.height > picture.width


def test_numbers_repeat_and_stand_beside_those_of_other_protocols(genctl: Genctl, runs: Path) -> None:
    words = ("evaluate", f"run={runs}/vae", *QUICK, "metrics=frechet")
    genctl.good(*words)
    first = results.read(runs / "vae")
    genctl.good(*words)
    assert [record.number for record in results.read(runs / "vae")] == [record.number for record in first]
    genctl.good(*words, "seed=1")
    genctl.good(*words[:-1], "metrics=[kernel,classes]", "data=train")
    records = results.read(runs / "vae")
    metrics = [record.number.metric for record in records]
    assert metrics.count("frechet_distance/classifier") == 2 and "kernel_distance/classifier" in metrics
    a, b = (record.number for record in records if record.number.metric.startswith("frechet"))
    assert a.value != b.value and a.floor == b.floor
    assert next(r.number.protocol for r in records if "kernel" in r.number.metric)["floor"] == "150 test"


def test_results_can_go_elsewhere(genctl: Genctl, runs: Path) -> None:
    genctl.good("evaluate", f"run={runs}/gan", "n=150", "metrics=frechet", "features=pixels", "out=deep/r.json")
    assert json.loads(Path("deep/r.json").read_text())[0]["number"]["metric"] == "frechet_distance/pixels"
    assert not (runs / "gan" / "evaluations").exists()


def test_codes_of_another_run_are_features(genctl: Genctl, runs: Path) -> None:
    words = ("metrics=frechet", "n=100", "features=autoencoder")
    genctl.good("evaluate", f"run={runs}/gan", *words, f"features.run={runs}/vae")
    number = by_name(runs / "gan")["frechet_distance/autoencoder"].number
    assert number.protocol["features_run"] == f"{runs}/vae" and number.protocol["features_step"] == 6
    assert "cannot encode" in genctl.bad("evaluate", f"run={runs}/vae", *words, f"features.run={runs}/gan")
    assert "was trained on" in genctl.bad("evaluate", f"run={runs}/plain", *words, f"features.run={runs}/vae")


def test_what_does_not_suit_is_passed_over_unless_it_was_named(genctl: Genctl, runs: Path) -> None:
    out = genctl.good("evaluate", f"run={runs}/plain", "n=50").out
    assert "without classes: Classes needs labels, and data set 'plain' has none." in out
    assert "frechet_distance/pixels" in out
    message = genctl.bad("evaluate", f"run={runs}/plain", "n=50", "metrics=[frechet,classes]")
    assert "classes cannot be had: Classes needs labels" in message
    message = genctl.bad("evaluate", f"run={runs}/ae", "n=50", "metrics=frechet")
    assert "frechet cannot be had: Frechet needs a family that can sample; AE cannot" in message
    message = genctl.bad("evaluate", f"run={runs}/plain", "n=5", "metrics=neighbourhoods")
    assert "needs at least 6 samples, and there are 5" in message
    assert "needs labels" in genctl.bad("evaluate", f"run={runs}/plain", "metrics=frechet", "features=classifier")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run=made/gan n=0", "n=0: should be greater than 0"),
        ("run=made/gan data=all", "data=all: should be 'test', 'validation' or 'train'"),
        ("run=made/gan seed=-1", "seed=-1"),
        ("run=made/gan checkpoint=7", "checkpoint=7 is not there"),
        ("run=made/gan metrics=frechett", "Did you mean 'frechet'?"),
        ("run=made/gan features=inceptio", "Did you mean 'inception'?"),
        ("run=made/gan ~metrics", "no metric is chosen"),
        ("run=made/gan metrics.neighbourhoods.k=0", "metrics.neighbourhoods.k=0: should be greater than 0"),
        ("run=made/gan features=inception features.weights=no.h5", "features.weights=no.h5 is not there"),
        ("run=made/gan out=a.txt", "out=a.txt: give a file that ends in .json"),
        ("run=made", "run=made is not a genctl run"),
        ("", "genctl evaluate needs run=…, or both real=… and samples=…"),
        ("real=made/plain.npz", "but got real="),
        ("run=made/gan samples=made/plain.npz", "but got run= and samples="),
    ],
)
def test_mistakes_of_evaluation(genctl: Genctl, runs: Path, words: str, message: str) -> None:
    assert message in genctl.bad("evaluate", *words.split())
    assert not (runs / "gan" / "evaluations").exists()


def test_data_that_are_gone_or_have_changed_are_named(genctl: Genctl, runs: Path, made: Path) -> None:
    shutil.move(made / "plain.npz", made / "away.npz")
    try:
        assert "plain.npz does not exist" in genctl.bad("evaluate", f"run={runs}/plain")
        np.savez(made / "plain.npz", images=np.load(made / "away.npz")["images"][::-1])
        assert "has changed" in genctl.bad("evaluate", f"run={runs}/plain")
    finally:
        shutil.move(made / "away.npz", made / "plain.npz")


def test_damaged_files_are_named(genctl: Genctl, runs: Path, made: Path) -> None:
    words = ("evaluate", f"run={runs}/gan", "metrics=frechet", "features=pixels", "features.components=7", "n=50")
    before = set(made.glob("cache/**/*.safetensors"))
    genctl.good(*words)
    found = {file.parent.name: file for file in set(made.glob("cache/**/*.safetensors")) - before}
    found["networks"].write_bytes(found["networks"].read_bytes()[:-1] + b"x")
    assert f"{found['networks'].name} has not the SHA-256" in genctl.bad(*words)
    found["networks"].write_bytes(b"no")
    assert f"{found['networks'].name} cannot be read" in genctl.bad(*words)
    Path(runs, "gan/evaluations/step-000000006.json").write_text('[{"number": 3}]')
    assert "step-000000006.json cannot be read" in genctl.bad(*words)
    Path(runs, "vae/spec.json").write_text("{")
    assert "spec.json cannot be read" in genctl.bad("evaluate", f"run={runs}/vae")


def test_samples_that_are_not_finite_are_refused() -> None:
    class Broken:
        label_dim = 0

    dataset = Dataset(load_digits(), **SPLITS, augment=Augment())
    evaluation = Evaluation.of(dataset, "test", 0, count=3)
    with pytest.MonkeyPatch.context() as patch:
        broken = np.full((3, 8, 8, 1), np.nan, np.float32)
        patch.setattr("genctl.runs.sampler.Sampler.__init__", lambda self, strategy: None)
        patch.setattr("genctl.runs.sampler.Sampler.sample_batches", lambda *_: iter([broken]))
        object.__setattr__(evaluation, "strategy", Broken())
        with pytest.raises(UserError, match="NaN or infinite"):
            evaluation.samples  # noqa: B018 - computed when it is read


def test_inception_without_network_or_with_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = Evaluation.of(Dataset(load_digits(), **SPLITS, augment=Augment()), "test", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("genctl.metrics.features.inception.FOLDER", (tmp_path / "nowhere").as_uri() + "/")
    with pytest.raises(UserError, match="could not be downloaded .* give features.weights=FILE"):
        load_inception(evaluation)
    (tmp_path / "other.h5").write_bytes(b"no")
    with pytest.raises(UserError, match="other.h5 holds no weights of Keras' InceptionV3"):
        load_inception(evaluation, str(tmp_path / "other.h5"))


def test_metrics_that_none_can_have() -> None:
    class Never:
        needs = None
        needs_labels = True

        def __call__(self, evaluation: Evaluation) -> list[Number]:
            raise AssertionError

    source = load_digits()
    dataset = Dataset(source, **SPLITS, augment=Augment())
    dataset.spec = type(source.spec)("digits", (8, 8, 1))
    with pytest.raises(UserError, match="none of the metrics suits"):
        measure({"never": Never()}, Evaluation.of(dataset, "test", 0), named=False)
