"""`genctl evaluate real=A samples=B`: sets that no run made, of any kind, alike or not."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Genctl
from PIL import Image

from genctl.data.digits import load_digits
from genctl.data.image_files import Shape, fitted
from genctl.runs.grids import as_picture

FRECHET = "metrics=frechet"


def digit_images(count: int) -> np.ndarray:
    return load_digits().train.images[:count]


def save_images(folder: str, images: np.ndarray) -> None:
    Path(folder).mkdir(parents=True)
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(f"{folder}/{index:03d}.png")


def enlarged(images: np.ndarray) -> np.ndarray:
    return images.repeat(2, axis=1).repeat(2, axis=2)


def first_number(genctl: Genctl, *words: str) -> tuple[dict[str, Any], str]:
    """The first number that these words give, and what was printed."""
    out = genctl.good("evaluate", *words, "out=numbers.json").out
    return json.loads(Path("numbers.json").read_text())[0]["number"], out


def test_two_sets_of_images_that_no_run_made(genctl: Genctl) -> None:
    images = digit_images(300)
    np.savez("real.npz", images=images[:200])
    np.savez("samples.npz", samples=(images[200:] / 255).astype(np.float32))
    a, out = first_number(genctl, "real=real.npz", "samples=samples.npz")
    assert "frechet_distance/pixels" in out and "without classes" in out and "made alike" not in out
    save_images("real", images[:200])
    save_images("samples", images[200:])
    b, _ = first_number(genctl, "real=real", "samples=samples", "metrics=[frechet,neighbourhoods]")
    assert a["value"] == pytest.approx(b["value"], rel=0.05)
    assert a["protocol"]["real"] == 100 and a["protocol"]["samples"] == 100


@pytest.mark.parametrize("kind", ["arrays", "folders"])
def test_grey_beside_colour_is_what_colour_beside_colour_is(genctl: Genctl, kind: str) -> None:
    grey, other = digit_images(40), digit_images(80)[40:]
    for name, images in {
        "grey": grey,
        "other": other,
        "colour": grey.repeat(3, -1),
        "bright": other.repeat(3, -1),
    }.items():
        save_images(name, images) if kind == "folders" else np.savez(f"{name}.npz", images=images)
    end = "" if kind == "folders" else ".npz"
    expected, out = first_number(genctl, f"real=colour{end}", f"samples=bright{end}", FRECHET)
    assert "made alike" not in out and "made_alike" not in expected["protocol"]
    for real, samples, changed in (("grey", "bright", "real"), ("colour", "other", "samples")):
        found, out = first_number(genctl, f"real={real}{end}", f"samples={samples}{end}", FRECHET)
        assert found["value"] == pytest.approx(expected["value"], rel=1e-6)
        assert f"images are made alike: {changed} from grey to colour.\n" in out
        assert found["protocol"]["made_alike"] == f"{changed} from grey to colour"


def test_sizes_that_differ_become_that_of_the_real_images_or_the_one_asked_for(genctl: Genctl) -> None:
    real, samples = digit_images(40), digit_images(80)[40:]
    np.savez("real.npz", images=real)
    for name, images in (("fitted", samples), ("fitted_real", real)):  # as a training would resize them
        shrunk = [fitted(as_picture(image), Shape(8, 8, 1)) for image in enlarged(images)]
        np.savez(f"{name}.npz", images=np.stack(shrunk))
    np.savez("large.npz", images=enlarged(samples))
    np.savez("large_real.npz", images=(enlarged(real) / 255).astype(np.float16))
    save_images("large", enlarged(samples))
    expected, _ = first_number(genctl, "real=real.npz", "samples=fitted.npz", FRECHET)
    for large in ("large.npz", "large"):
        found, out = first_number(genctl, "real=real.npz", f"samples={large}", FRECHET)
        assert found["value"] == pytest.approx(expected["value"], rel=1e-4)
        assert found["protocol"]["made_alike"] == "samples from 16x16 to 8x8 pixels"
        assert out.count("made alike:") == 1
    found, _ = first_number(genctl, "real=large_real.npz", "samples=large", FRECHET)
    assert "made_alike" not in found["protocol"]
    found, _ = first_number(genctl, "real=large_real.npz", "samples=large", "image_size=8", FRECHET)
    assert found["protocol"]["made_alike"] == "real from 16x16 to 8x8 pixels; samples from 16x16 to 8x8 pixels"
    expected, _ = first_number(genctl, "real=fitted_real.npz", "samples=fitted.npz", FRECHET)
    assert found["value"] == pytest.approx(expected["value"], rel=1e-4)


def test_photographs_that_lie_on_their_side_are_stood_up(genctl: Genctl) -> None:
    Path("real").mkdir()
    for index, image in enumerate(np.random.default_rng(0).integers(0, 256, (8, 9, 12, 3), np.uint8)):
        turned = Image.fromarray(image)
        exif = turned.getexif()
        exif[0x0112] = 6  # a quarter turn
        turned.save(f"real/{index}.jpg", exif=exif)
    np.savez("samples.npz", images=np.zeros((4, 12, 9, 3), np.uint8))
    found, _ = first_number(genctl, "real=real", "samples=samples.npz", FRECHET)
    assert "made_alike" not in found["protocol"]


def test_vectors_are_compared_in_the_units_of_the_real_ones(genctl: Genctl) -> None:
    generator = np.random.default_rng(0)
    real = generator.normal(size=(400, 3)).astype(np.float32) * [1, 10, 0] + [0, 5, 7]
    np.savez("real.npz", images=real)
    np.savez("same.npz", images=real[::-1][:200])
    np.savez("far.npz", images=real[:200] + [4, 0, 0])
    near, far = (first_number(genctl, "real=real.npz", f"samples={name}.npz", FRECHET)[0] for name in ("same", "far"))
    assert near["value"] < 0.05 and near["floor"] < 0.05
    span = np.ptp(real[:, 0])
    assert far["value"] == pytest.approx((4 * 2 / span) ** 2, rel=0.1)  # the shift, in the range of -1 to 1


def make_sets() -> None:
    images = digit_images(20)
    save_images("good", images)
    for name in ("broken", "piped", "device"):
        save_images(name, images[:3])
    Path("broken/x.png").write_bytes(b"no picture")
    os.mkfifo("piped/x.png")
    Path("device/x.png").symlink_to("/dev/zero")
    Path("empty").mkdir()
    save_images("mixed", images[:3])
    Image.fromarray(enlarged(images[:1]).squeeze()).save("mixed/large.png")
    os.mkfifo("pipe.npz")
    np.savez("nothing.npz")
    np.savez("none.npz", images=np.zeros((0, 8, 8), np.uint8))
    np.savez("one.npz", images=images[:1])
    np.savez("two.npz", images=images[:2])
    np.savez("good.npz", images=images)
    np.savez("odd.npz", images=images.astype(np.float32) * 3)
    np.savez("narrow.npz", images=np.ones((9, 5), np.float32) * np.arange(5))
    np.savez("wide.npz", images=np.ones((9, 6), np.float32) * np.arange(6))


@pytest.mark.parametrize(
    ("real", "samples", "message"),
    [
        ("broken", "good", "real=broken: 1 of 4 image files cannot be read: x.png"),
        ("good", "broken", "samples=broken: 1 of 4 image files cannot be read: x.png"),
        ("piped", "good", "real=piped: 1 of 4 image files cannot be read: x.png (is a pipe"),
        ("good", "device", "samples=device: 1 of 4 image files cannot be read: x.png (is a device"),
        ("empty", "good", "real=empty has no images in it"),
        ("good", "empty", "samples=empty has no images in it"),
        (
            "mixed",
            "good",
            "real=mixed: its images are of several sizes: 8x8 (000.png), 16x16 (large.png). Say image_size=",
        ),
        ("pipe.npz", "good", "pipe.npz is a pipe"),
        ("good", "/dev/zero", "/dev/zero is a device"),
        ("nothing.npz", "good", "real=nothing.npz: nothing.npz holds nothing"),
        ("good", "none.npz", "samples=none.npz: none.npz: 'images' is empty"),
        ("one.npz", "good", "real=one.npz has 1 example to learn from: give at least 2"),
        (
            "two.npz",
            "good",
            "frechet cannot be had: features by pixels needs at least 2 training examples, and there are 1",
        ),
        ("good", "one.npz", "frechet cannot be had: the Fréchet distance needs at least 2 samples, and there are 1"),
        (
            "good",
            "odd.npz",
            "samples=odd.npz: its images are numbers from 0 to 765, and those beside them from 0 to 255",
        ),
        ("narrow.npz", "wide.npz", "real=narrow.npz holds vectors of 5 numbers, but samples=wide.npz vectors of 6"),
        ("narrow.npz", "good", "real=narrow.npz holds vectors of 5 numbers, but samples=good images"),
        ("good", "narrow.npz", "real=good holds images, but samples=narrow.npz vectors of 5 numbers"),
        ("god", "good", "real=god is not there. Did you mean 'good'?"),
    ],
)
def test_sets_that_cannot_be_compared(genctl: Genctl, real: str, samples: str, message: str) -> None:
    make_sets()
    error = genctl.bad("evaluate", f"real={real}", f"samples={samples}", FRECHET)
    assert message in error and len(error.splitlines()) == 1


def test_sets_of_several_sizes_of_their_own(genctl: Genctl) -> None:
    make_sets()
    found, _ = first_number(genctl, "real=good", "samples=mixed", FRECHET)
    assert found["protocol"]["made_alike"] == "samples from 2 sizes to 8x8 pixels"
    found, out = first_number(genctl, "real=good", "samples=one.npz")
    assert found["metric"] == "train_distance/pixels" and "without frechet" in out


def test_a_set_beside_itself_is_measured_and_told(genctl: Genctl) -> None:
    save_images("good", digit_images(40))
    Path("link").symlink_to("good")
    for samples in ("good", "link"):
        number, out = first_number(genctl, "real=good", f"samples={samples}", FRECHET)
        assert f"real=good and samples={samples} hold the same examples" in out and np.isfinite(number["value"])
