"""An exported network never takes a number that is no class for one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl

import genctl as package
from genctl.cli.verbs.exporting.formats import FORMATS

Runs = Callable[[str], Path]
FORMS = ["keras", "savedmodel", "tflite", "onnx"]
NO_CLASSES = [10, 11, -1, -10, -11, 2**31 - 1, -(2**31)]
NOISE = np.random.default_rng(1).normal(size=(3, 6)).astype(np.float32)
IMAGES = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 1), np.uint8)
SAID = {
    "keras": "Keras raises an error on TensorFlow and PyTorch; on JAX",
    "savedmodel": "TensorFlow raises an error; where XLA compiles the call, its image is all 0",
    "tflite": "TensorFlow Lite raises an error",
    "onnx": "ONNX Runtime raises an error on a CPU",
}


@pytest.fixture(scope="module")
def exported(tiny_run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder with the parts of a conditional GAN in a format."""
    place = tmp_path_factory.mktemp("exported")

    def export(kind: str) -> Path:
        from genctl.cli.main import main

        if kind == "onnx":
            pytest.importorskip("tf2onnx")
        if not (place / kind).exists():
            assert main(["export", f"run={tiny_run('gan')}", f"format={kind}", f"out={place / kind}"]) == 0
        return place / kind

    return export


@pytest.mark.parametrize("kind", FORMS)
def test_a_label_that_is_no_class_is_refused(exported: Callable[[str], Path], tiny_run: Runs, kind: str) -> None:
    folder, form = exported(kind), FORMATS[kind]
    decode = form.read(folder / f"decoder{form.suffix}", ["image"])
    score = form.read(folder / f"discriminator{form.suffix}", ["score"])
    for number in NO_CLASSES:
        label = np.array([0, number, 9], np.int32)
        for call, inputs in ((decode, {"code": NOISE}), (score, {"image": IMAGES})):
            with pytest.raises(Exception, match="is not in|out of bounds|out of data bounds|from 0 to 9, and is"):
                call({**inputs, "label": label})
    card = (folder / "README.md").read_text()
    assert f"`label`: a number from 0 to 9, see Data. For any other, {SAID[kind]}" in card
    # what was refused leaves nothing behind
    decode = form.read(folder / f"decoder{form.suffix}", ["image"])
    given = decode({"code": NOISE, "label": np.array([0, 4, 9], np.int32)})["image"]
    assert (given == package.load(tiny_run("gan")).decode(NOISE, ["0", "4", "9"])).all()


def test_where_nothing_is_refused_the_image_is_blank(exported: Callable[[str], Path]) -> None:
    folder = exported("savedmodel")
    decoder, judge = (tf.saved_model.load(folder / name) for name in ("decoder", "discriminator"))
    decode = tf.function(decoder.signatures["serving_default"], jit_compile=True)  # XLA drops assertions
    score = tf.function(judge.signatures["serving_default"], jit_compile=True)
    for number in NO_CLASSES:
        label = tf.constant([0, number, 9], tf.int32)
        image = decode(code=tf.constant(NOISE), label=label)["image"].numpy()
        scores = score(image=tf.constant(IMAGES), label=label)["score"].numpy()
        assert not image[1].any() and image[0].any() and image[2].any()
        assert np.isfinite(scores).ravel().tolist() == [True, False, True]


def test_one_name_stands_for_the_number_of_examples(exported: Callable[[str], Path]) -> None:
    onnx = pytest.importorskip("onnx")
    for part in ("generator", "discriminator"):
        graph = onnx.load(exported("onnx") / f"{part}.onnx").graph
        values = [*graph.input, *graph.output]
        assert len(values) == 3
        assert {value.type.tensor_type.shape.dim[0].dim_param for value in values} == {"batch"}
        assert not any(dim.dim_param for value in values for dim in value.type.tensor_type.shape.dim[1:])
    card = (exported("onnx") / "README.md").read_text()
    assert "The first axis of all is named `batch`." in card


def test_files_without_labels_say_nothing_of_them(genctl: Genctl, tiny_run: Runs) -> None:
    genctl.good("export", f"run={tiny_run('vae')}", "part=decoder", "out=out")
    assert "label" not in Path("out/README.md").read_text().split("## Configuration")[0]
