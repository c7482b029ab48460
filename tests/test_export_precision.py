"""Networks that were trained in half precision are exported in single, and give the images of their run."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl
from test_export import alone

import genctl as package

TINY = ("trainer.steps=12", "trainer.batch_size=8", "dataset.limit=40", "callbacks.images.every_steps=0")
SMALL = ("encoder.filters=[4]", "decoder.filters=[4]")
WORDS = ("model=cvae", "model.latent_dim=5", *SMALL, "encoder.normalization=spectral", *TINY)
IMAGES = np.random.default_rng(1).integers(0, 256, (9, 8, 8, 1), np.uint8)
CODES = 3 * np.random.default_rng(2).normal(size=(9, 5)).astype(np.float32)
LABELS = np.arange(9, dtype=np.int32)
NAMES = [str(label) for label in LABELS]
LEVELS = 2  # of grey, that an image may be off: half precision has 8 or 11 bits


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", ["keras", "savedmodel", "tflite", "onnx"])
def test_every_format_gives_the_images_of_the_run(
    genctl: Genctl, trained: Callable[..., Path], kind: str, precision: str
) -> None:
    pytest.importorskip("tf2onnx") if kind == "onnx" else None
    run = trained(*WORDS, f"trainer.precision={precision}")
    genctl.good("export", f"run={run}", f"format={kind}", "out=out")
    suffix = "" if kind == "savedmodel" else f".{kind}"
    calls = [("encoder", "code", "image"), ("decoder", "image", "code"), ("generator", "image", "noise")]
    arrays = {"image": IMAGES, "code": CODES, "noise": CODES, "label": LABELS}
    given = alone(arrays, *((part + suffix, output, [name, "label"]) for part, output, name in calls))
    loaded = package.load(run)
    images, codes = loaded.decode(CODES, NAMES).astype(int), loaded.encode(IMAGES, NAMES)
    assert images.std() > 2 and loaded.networks["encoder"].layers[1].layer.compute_dtype == precision[6:]
    assert np.abs(given["decoder" + suffix] - images).max() <= LEVELS
    assert np.abs(given["generator" + suffix] - images).max() <= LEVELS
    np.testing.assert_allclose(given["encoder" + suffix], codes, atol=0.03 * np.abs(codes).max())
    card = Path("out/README.md").read_text()
    assert f"It was trained in {precision}; the files compute in float32" in card
    assert f"differs from the output in {precision} |" in card
    if kind == "keras":
        described = json.loads(zipfile.ZipFile("out/encoder.keras").read("config.json"))
        assert "float16" not in json.dumps(described)


def test_what_is_said_of_rounding_is_measured() -> None:
    from genctl.cli.verbs.exporting.check import rounding
    from genctl.cli.verbs.exporting.parts import Part

    def part(value: int) -> Part:
        def expected(arrays: object) -> dict[str, np.ndarray]:
            return {"image": np.full((2, 1), value, np.uint8)}

        return Part("decoder", {"code": ((3,), "float32")}, ("image",), dict, expected)

    assert rounding(part(3), part(5), classes=0) == {"image": 2}
    assert rounding(part(5), part(3), classes=0) == {"image": 2}


def test_a_ladder_trains_in_half_precision_too(genctl: Genctl, trained: Callable[..., Path]) -> None:
    words = ("model=hvae", *SMALL, "model.levels=[2,3]", "model.width=8", "trainer.precision=mixed_bfloat16")
    run = trained(*words, *TINY)
    genctl.good("export", f"run={run}", "format=tflite", "part=decoder", "out=out")
    given = alone({"code": CODES}, ("decoder.tflite", "image", ["code"]))["decoder.tflite"]
    assert np.abs(given - package.load(run).decode(CODES).astype(int)).max() <= LEVELS
    card = Path("out/README.md").read_text()
    assert "How codes of new images are drawn is not in the files" in card
    assert "The parameters of p(image | code) are not in the files" in card
