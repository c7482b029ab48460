"""Which number is black and which is white: one rule for data sets of any type, and for what a verb is given."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Genctl, tiny
from PIL import Image

from genctl.data import arrays, folder
from genctl.data.ranges import Known, Numbers, beside, natural
from genctl.errors import UserError

BYTES = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)
BYTES[:, 0, :2] = 0, 255
ENCODINGS = {
    "uint8": BYTES,
    "fractions": (BYTES / 255).astype(np.float32),
    "halves": (BYTES / 255).astype(np.float16),
    "doubles": BYTES / 255,
    "signed_fractions": (BYTES / 127.5 - 1).astype(np.float32),
    "float_bytes": BYTES.astype(np.float32),
    "uint16": BYTES.astype(np.uint16) * 257,
    "int64": BYTES.astype(np.int64),
    "int8": (BYTES.astype(int) - 128).astype(np.int8),
    "hounsfield": (BYTES.astype(np.int16) * 10 - 1000),
}
SMALL = ("trainer.steps=2", "trainer.batch_size=4", "name=x")


@pytest.mark.parametrize(
    ("values", "dtype", "ends"),
    [
        ([0, 1], "bool", (0, 1)),
        ([0, 1], "uint8", (0, 1)),
        ([0, 0], "uint8", (0, 1)),
        ([0, 5], "int64", (0, 5)),
        ([2, 5], "float32", (0, 5)),
        ([0, 16], "float64", (0, 16)),
        ([0, 33], "uint8", (0, 33)),
        ([9, 33], "uint8", (0, 255)),
        ([0, 64], "uint8", (0, 255)),
        ([3, 200], "float32", (0, 255)),
        ([0, 254.5], "float64", (0, 255)),
        ([0, 100.5], "float32", (0, 100.5)),
        ([0, 256], "uint16", (0, 511)),
        ([9, 4000], "uint16", (0, 4095)),
        ([9, 40000], "int32", (0, 65535)),
        ([9, 70000], "int32", (9, 70000)),
        ([-1024, 3071], "int16", (-1024, 3071)),
        ([0, 0.02], "float32", (0, 1)),
        ([-0.1, 0.9], "float16", (-1, 1)),
        ([0, 1.5], "float32", (0, 1.5)),
    ],
)
def test_the_range_that_numbers_have_by_themselves(values, dtype, ends):
    found = natural(Numbers.of(np.array([values], dtype)))
    assert found == pytest.approx(ends)


@pytest.mark.parametrize(
    ("values", "dtype", "known", "ends"),
    [
        ([0, 90], "uint8", ((0, 255), "uint8"), (0, 255)),
        ([0, 3], "uint8", ((0, 255), "uint8"), (0, 255)),  # one dark picture is no mask
        ([0, 0.9], "float32", ((0, 255), "uint8"), (0, 1)),
        ([-0.5, 0.9], "float32", ((0, 255), "uint8"), (-1, 1)),
        ([0, 99.5], "float32", ((0, 255), "uint8"), (0, 255)),
        ([0, 65535], "uint16", ((0, 255), "uint8"), (0, 65535)),
        ([0, 2000], "uint16", ((0, 4095), "uint16"), (0, 4095)),
        ([0, 250], "uint8", ((0, 4095), "uint16"), (0, 255)),
        ([0, 2000], "int32", ((0, 4095), "uint16"), (0, 4095)),
        ([0, 255], "uint8", ((0, 5), "uint8"), (0, 255)),
        ([0, 4], "uint8", ((0, 5), "uint8"), (0, 5)),
        ([0, 250], "uint8", ((-3.5, 7), "float32"), (0, 255)),
        ([0, 1], "float32", ((-3.5, 7), "float32"), (-3.5, 7)),
        ([-9, 8], "float32", ((-3.5, 7), "float32"), (-3.5, 7)),  # clipped, and said
        ([0, 1], "bool", ((0, 255), "uint8"), (0, 1)),
        ([0, 1], "float32", ((-1, 1), "float32"), (-1, 1)),
    ],
)
def test_the_range_that_numbers_have_beside_others(values, dtype, known, ends):
    found = beside(Numbers.of(np.array([values], dtype)), Known(known[0], np.dtype(known[1])))
    assert found == ends


def npz(path, **content):
    np.savez(path, **content)
    return arrays.read(Path(path))


@pytest.mark.parametrize("kind", ENCODINGS)
def test_the_same_pictures_are_stored_as_the_same_bytes(tmp_path, kind):
    source = npz(tmp_path / "x.npz", images=ENCODINGS[kind])
    np.testing.assert_array_equal(source.train.images[..., 0], BYTES)
    own = source.spec.to_own(source.spec.to_unit(source.train.images))[..., 0]
    np.testing.assert_allclose(own.astype(float), ENCODINGS[kind].astype(float), rtol=1e-3, atol=1e-3)
    types = {"uint8": "uint8", "float_bytes": "uint8", "int64": "uint8", "uint16": "uint16", "int8": "int8"}
    assert own.dtype == {**types, "hounsfield": "int16"}.get(kind, "float32")


def test_the_test_split_may_be_encoded_otherwise(tmp_path):
    source = npz(tmp_path / "x.npz", x_train=ENCODINGS["fractions"], x_test=BYTES)
    np.testing.assert_array_equal(source.test.images, source.train.images)
    assert "those of 'x_test', 0 to 255 of uint8, as 0 to 255" in source.spec.decided["range"]
    rough = npz(tmp_path / "x.npz", x_train=ENCODINGS["fractions"] ** 2, x_test=BYTES)
    np.testing.assert_allclose(rough.test.images[..., 0], BYTES / 255, atol=1e-6)
    wider = npz(
        tmp_path / "x.npz", x_train=np.array([[[0, 1000]]], np.uint16), x_test=np.array([[[0, 4000]]], np.uint16)
    )
    assert (wider.spec.low, wider.spec.high) == (0, 4095)


def test_a_range_that_is_given_is_used_and_clips(genctl: Genctl) -> None:
    np.savez("x.npz", images=np.linspace(0, 5000, 640).astype(np.uint16).reshape(10, 8, 8))
    words = ("train", *tiny("vae"), *SMALL, "dataset=npz", "dataset.path=x.npz")
    said = genctl.good(*words, "dataset.range=[0,4000]").out
    assert "range: values 0 to 5000 of uint16 are read as 0 to 4000, as dataset.range says; those outside are" in said
    spec = json.loads(Path("runs/x/spec.json").read_text())
    assert (spec["low"], spec["high"], spec["dtype"]) == (0, 4000, "uint16")
    genctl.good("reconstruct", "run=runs/x", "path=x.npz", "n=10")
    with np.load("runs/x/reconstructions.npz") as made:
        assert made["originals"].max() == 4000 and made["originals"].dtype == made["samples"].dtype == np.uint16
        assert made["range"].tolist() == [0, 4000]
    assert "[5,5]: the first number is black" in genctl.bad(*words, "dataset.range=[5,5]", "name=y")


def test_masks_are_not_black(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    large = np.random.default_rng(0).integers(0, 6, (24, 24), np.uint8)
    mask = large[None, 2::4, 2::4]  # the nearest to the centres of blocks of 4x4
    from_array = npz(tmp_path / "x.npz", images=mask)
    (tmp_path / "masks").mkdir()
    Image.fromarray(large).save(tmp_path / "masks/1.png")
    wanted = folder.Wanted(6, 6, None, "nearest")
    from_file = folder.read(tmp_path / "masks", wanted)
    for source in (from_array, from_file):
        np.testing.assert_array_equal(source.train.images[..., 0], mask * 51)
        assert (source.spec.low, source.spec.high) == (0, 5)
    smooth = folder.read(tmp_path / "masks", wanted._replace(interpolation="lanczos"))
    assert (smooth.train.images[..., 0] != mask * 51).any()


def test_twelve_bits_in_sixteen_are_the_same_in_files_and_arrays(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    numbers = np.linspace(0, 4095, 128).astype(np.uint16).reshape(2, 8, 8)
    (tmp_path / "scans").mkdir()
    for place, picture in enumerate(numbers):
        Image.fromarray(picture).save(tmp_path / f"scans/{place}.{'png' if place else 'tif'}")
    source = folder.read(tmp_path / "scans", folder.Wanted(8, 8, None))
    np.testing.assert_array_equal(source.train.images[..., 0], numbers)
    like = npz(tmp_path / "x.npz", images=numbers)
    np.testing.assert_array_equal(like.train.images, source.train.images)
    assert (source.spec.low, source.spec.high, source.spec.dtype) == (like.spec.low, like.spec.high, "uint16")
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(tmp_path / "scans/2.png")
    mixed = folder.read(tmp_path / "scans", folder.Wanted(8, 8, None))
    assert mixed.train.images[2].max() == mixed.train.images[2].min() == 4095


def test_white_is_zero_is_turned(tmp_path):
    from genctl.data.image_files import Shape, decode

    numbers = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(numbers).save(tmp_path / "1.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(decode(tmp_path / "1.tif", Shape(8, 8, 1))[0, ..., 0], 65535 - numbers.astype(float))


def test_every_verb_and_metric_gives_the_same_numbers_for_the_same_pictures(genctl: Genctl) -> None:
    for kind, images in ENCODINGS.items():
        np.savez(f"{kind}.npz", images=images)
    numbers, codes = set(), set()
    for kind in ("uint8", "signed_fractions", "hounsfield"):
        words = ("dataset=npz", f"dataset.path={kind}.npz", "dataset.test_fraction=0.3")
        genctl.good("train", *tiny("vae"), *SMALL[:2], f"name={kind}", *words)
        genctl.good("evaluate", f"run=runs/{kind}", "n=8")
        (kept,) = Path(f"runs/{kind}/evaluations").glob("*.json")
        numbers.add(
            json.dumps([(one["number"]["metric"], one["number"]["value"]) for one in json.loads(kept.read_text())])
        )
    for kind in ENCODINGS:
        genctl.good("encode", "run=runs/uint8", f"path={kind}.npz", "n=24", "projector=false")
        with np.load("runs/uint8/codes.npz") as found:
            codes.add(found["codes"].tobytes())
    assert (len(numbers), len(codes)) == (1, 1)


def test_two_sets_are_compared_whatever_their_encoding(genctl: Genctl) -> None:
    found = set()
    for kind, images in ENCODINGS.items():
        np.savez("real.npz", images=images)
        alike = kind in ("int8", "hounsfield")  # what is black there is not known
        np.savez(
            "made.npz", images=(images if alike else ENCODINGS["float_bytes" if kind == "uint8" else "uint8"])[::-1]
        )
        said = genctl.good("evaluate", "real=real.npz", "samples=made.npz", "n=24").out
        found.add(tuple(line.split("│")[2] for line in said.splitlines() if "distance" in line or "density" in line))
    assert len(found) == 1 and len(found.pop()) > 1


def test_results_come_back_in_the_numbers_of_the_data(genctl: Genctl) -> None:
    np.savez("x.npz", images=ENCODINGS["hounsfield"] + np.arange(24, dtype=np.int16)[:, None, None])
    genctl.good("train", *tiny("vae"), *SMALL, "dataset=npz", "dataset.path=x.npz")
    genctl.good("sample", "run=runs/x", "n=4")
    with np.load("runs/x/samples.npz") as made:
        assert made["samples"].dtype == np.int16 and made["range"].tolist() == [-1000, 1573]
        assert made["samples"].min() >= -1000 and made["samples"].max() > 255
    again = arrays.read(Path("runs/x/samples.npz"))
    assert (again.spec.low, again.spec.high) == (-1000, 1573)
    assert "as its array 'range' says" in again.spec.decided["range"]
    assert np.asarray(Image.open("runs/x/samples.png")).max() > 60
    genctl.good("reconstruct", "run=runs/x", "n=2")
    with np.load("runs/x/reconstructions.npz") as made:
        assert made["originals"].dtype == np.int16 and made["originals"].min() < -900


def test_what_was_decided_is_said_and_kept(genctl: Genctl) -> None:
    for place in range(16):
        path = Path("photos", ("train", "test")[place % 2], "ab"[place // 8], f"{place}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 24), 14 * place, np.uint8)).save(path)
    Path("photos/notes.txt").write_text("no picture")
    words = ("dataset=folder", "dataset.path=photos", "dataset.image_size=16")
    said = [line for line in genctl.good("train", *tiny("vae"), *SMALL, *words).out.splitlines() if "data, " in line]
    spec = json.loads(Path("runs/x/spec.json").read_text())
    assert [line.split("data, ")[1] for line in said] == [f"{what}: {text}" for what, text in spec["decided"].items()]
    assert len(said) == 6
    assert spec["decided"] == {
        "files": "16 image files hold 16 pictures; left out as no pictures: 1 .txt",
        "size": "24x8 pixels (width x height) are resized to 16x16 (lanczos); at their sides 67% is cut off on "
        "average, 67% at most; 16 of 16 are enlarged; dataset.image_size=[height,width] sets another",
        "channels": "1, as none of 16 files is in colour",
        "splits": "by the folders test, train; "
        "validation is 0.1 of the training examples (dataset.validation_fraction)",
        "classes": "2, by the folders a, b; dataset.labels=none takes none",
        "range": "values 0 to 210 of uint8 are read as 0 to 255; dataset.range=[low,high] sets another",
    }


def test_a_range_that_is_mostly_empty_is_said(tmp_path):
    dark = npz(tmp_path / "x.npz", images=np.linspace(0, 0.02, 640, dtype=np.float32).reshape(10, 8, 8))
    assert "98% of the range is unused; dataset.range=[0,0.02] would use all of it" in dark.spec.decided["range"]


def test_examples_of_the_library_are_read_by_the_same_rule(loaded):
    run = loaded("vae")
    images = np.random.default_rng(1).integers(0, 256, (4, *run.spec.image_shape), np.uint8)
    codes = run.encode(images)
    for same in (images / 255, images / 127.5 - 1, images.astype(np.int32), images.astype(np.uint16) * 257):
        np.testing.assert_array_equal(run.encode(same), codes)
    with pytest.raises(UserError, match="NaN"):
        run.encode(np.full(images.shape, np.nan))
