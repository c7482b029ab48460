"""Exported networks give the bytes that genctl gives, in a process that has no genctl."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl

import genctl as package
from genctl.cli.verbs.exporting import check
from genctl.metrics import results
from genctl.metrics.evaluation import Number

Runs = Callable[[str], Path]

ALONE = """
import sys
sys.modules["genctl"] = None  # so that importing it fails
import numpy as np
arrays = dict(np.load("arrays.npz"))
results = {}
for file, output, names in %s:
    given = {name: arrays[name] for name in names}
    path = "out/" + file
    if path.endswith(".onnx"):
        import onnxruntime
        results[file] = onnxruntime.InferenceSession(path).run([output], given)[0]
    elif path.endswith(".keras"):
        import keras
        results[file] = keras.models.load_model(path)(given)[output].numpy()
    elif path.endswith(".tflite"):
        import tensorflow as tf
        results[file] = tf.lite.Interpreter(path).get_signature_runner()(**given)[output]
    else:
        import tensorflow as tf
        call = tf.saved_model.load(path).signatures["serving_default"]
        results[file] = call(**{name: tf.constant(value) for name, value in given.items()})[output].numpy()
np.savez("results.npz", **results)
"""


def alone(arrays: dict[str, np.ndarray], *calls: tuple[str, str, list[str]]) -> dict[str, np.ndarray]:
    """What the exported files (file, output, inputs) give in a process of their own."""
    np.savez("arrays.npz", **arrays)
    subprocess.run([sys.executable, "-c", ALONE % repr(calls)], check=True, capture_output=True)
    return dict(np.load("results.npz"))


@pytest.mark.parametrize("kind", ["keras", "savedmodel"])
def test_images_to_codes_to_images(genctl: Genctl, tiny_run: Runs, kind: str) -> None:
    genctl.good("export", f"run={tiny_run('vae')}", f"format={kind}", "out=out")
    run, suffix = package.load(tiny_run("vae")), ".keras" if kind == "keras" else ""
    images = np.random.default_rng(1).integers(0, 256, (12, 8, 8, 1), np.uint8)
    codes = run.encode(images)
    calls = [("encoder", "code", ["image"]), ("decoder", "image", ["code"]), ("generator", "image", ["noise"])]
    given = alone({"image": images, "code": codes, "noise": codes}, *((name + suffix, *rest) for name, *rest in calls))
    assert (given["encoder" + suffix] == codes).all()
    assert (given["decoder" + suffix] == run.decode(codes)).all()
    assert (given["generator" + suffix] == run.decode(codes)).all()  # its codes are standard normal
    assert given["decoder" + suffix].dtype == np.uint8


@pytest.mark.parametrize("kind", ["keras", "onnx", "tflite"])
def test_a_conditional_generator_takes_labels(genctl: Genctl, tiny_run: Runs, kind: str) -> None:
    pytest.importorskip("tf2onnx") if kind == "onnx" else None
    genctl.good("export", f"run={tiny_run('gan')}", f"format={kind}", "out=out", "part=generator")
    noise = np.random.default_rng(1).normal(size=(10, 6)).astype(np.float32)
    labels = np.arange(10, dtype=np.int32)
    file = f"generator.{kind}"
    given = alone({"noise": noise, "label": labels}, (file, "image", ["noise", "label"]))[file]
    assert (given == package.load(tiny_run("gan")).decode(noise, [str(label) for label in labels])).all()


def test_all_parts_of_four_networks_and_their_card(genctl: Genctl, tiny_run: Runs) -> None:
    shutil.copytree(tiny_run("aegan"), "moved")
    Path("moved/evaluations").mkdir()
    results.write_to(
        Path("moved/evaluations/step-000000006.json"), [Number("frechet_distance", 12.5, "1", {"split": "test"})], 6
    )
    genctl.good("export", "run=moved")
    there = sorted(path.name for path in Path("moved/export/keras").iterdir())
    assert there == ["README.md", "decoder.keras", "discriminator.keras", "encoder.keras", "generator.keras"]
    card = Path("moved/export/keras/README.md").read_text()
    for words in (
        "AEGAN on digits",
        "| frechet_distance | 12.5 |  | 6 | split test |",
        "Licence of the model:",
        "latent_dim: 32",
        "the same bits",
    ):
        assert words in card
    assert "is there already" in genctl.bad("export", "run=moved")


def test_running_averages_are_exported(tiny_run: Runs) -> None:
    from genctl.runs import build, checkpoint, state

    run = package.load(tiny_run("aegan"))
    stored = checkpoint.newest(tiny_run("aegan") / "checkpoints")
    raw = build.strategy(run.config, run.spec, ())
    state.restore(raw, stored.arrays)
    pairs = list(zip(run.networks["generator"].weights, raw.generator.weights, strict=True))
    assert any((ours.numpy() != theirs.numpy()).any() for ours, theirs in pairs)
    with raw.averaged():
        assert all((ours.numpy() == theirs.numpy()).all() for ours, theirs in pairs)


def test_a_wrong_export_is_not_left(genctl: Genctl, tiny_run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    from genctl.cli.verbs.exporting import parts

    monkeypatch.setattr(parts, "as_stored", lambda values, spec: parts.keras.ops.cast(values * 0, "uint8"))
    message = genctl.bad("export", f"run={tiny_run('vae')}", "part=decoder", "out=deep/out")
    assert "from genctl's own output: nothing is exported" in message
    assert not Path("deep").exists()
    assert "part=critic: VAE has encoder, decoder, generator" in genctl.bad(
        "export", f"run={tiny_run('vae')}", "part=critic", "out=x"
    )


def test_a_byte_may_round_the_other_way_and_no_more() -> None:
    images = np.zeros((1, 2, 2, 1), np.uint8)
    assert check.compared("x", images, images) == "the same bits"
    one, two = images.copy(), images.copy()
    one[0, 0, 0, 0], two[0, 0, 0, 0] = 1, 2
    assert "0.25 of the numbers differ, by 1 at most" in check.compared("x", one, images)
    for wrong in (two, images.astype(np.float32), images[:, :1]):
        with pytest.raises(package.errors.UserError):
            check.compared("x", wrong, images)
