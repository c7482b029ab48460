"""A user's own arrays: what is understood, and what is refused with which message."""

import logging

import numpy as np
import pytest

from genctl.data.arrays import load_npz
from genctl.errors import UserError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (10, 5, 7, 3), np.uint8)
NO_TEXT = np.full(10, 2**31 - 1, np.uint32).view("U1")


def loaded(tmp_path, images_key=None, labels_key=None, skip_bad=False, **arrays):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays)
    return load_npz(str(path), images_key, labels_key, None, "auto", skip_bad)


@pytest.mark.parametrize("key", ["x_train", "images", "x", "samples", "arr_0", "whatever"])
def test_images_are_found(tmp_path, key):
    source = loaded(tmp_path, **{key: BYTES})
    np.testing.assert_array_equal(source.train.images, BYTES)
    assert source.train.images.dtype == np.uint8
    assert (source.spec.name, source.spec.image_shape, source.spec.label_dim) == ("own", (5, 7, 3), 0)
    assert source.train.labels is None
    assert source.test is None


def test_keys_can_be_named(tmp_path):
    source = loaded(tmp_path, "b", "kind", a=BYTES[:3], b=BYTES, kind=np.arange(10) % 2)
    assert len(source.train.images) == 10
    assert source.train.labels.tolist() == [0, 1] * 5


def test_grey_images_get_a_channel_axis(tmp_path):
    assert loaded(tmp_path, images=BYTES[..., 0]).spec.image_shape == (5, 7, 1)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([7, -2, 7, 100, -2] * 2), ("-2", "7", "100")),
        (np.array(["dog", "cat", "dog", "emu", "cat"] * 2), ("cat", "dog", "emu")),
        (np.array([b"dog", b"cat", b"dog", b"emu", b"cat"] * 2), ("cat", "dog", "emu")),
        (np.array([1.0, 0.0, 1.0, 2.0, 0.0] * 2)[:, None], ("0", "1", "2")),
    ],
)
def test_labels_become_positions_among_sorted_values(tmp_path, labels, names):
    source = loaded(tmp_path, images=BYTES, labels=labels)
    assert source.spec.class_names == names
    assert source.train.labels.dtype == np.int32
    assert source.train.labels.tolist() == [1, 0, 1, 2, 0] * 2


def test_test_split_shares_classes_and_range(tmp_path):
    train, test = np.full((4, 2, 2), 2.5), np.full((3, 2, 2), 9.5)
    source = loaded(tmp_path, x_train=train, y_train=[1, 1, 5, 5], x_test=test, y_test=[9, 5, 1])
    assert source.spec.class_names == ("1", "5", "9")
    assert source.test.labels.tolist() == [2, 1, 0]
    assert (source.spec.low, source.spec.high) == (2.5, 9.5)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.2, 0.9], 0.0, 1.0),
        ([-0.2, 0.9], -1.0, 1.0),
        ([-3.0, 8.0], -3.0, 8.0),
        ([-4.0, -4.0], -4.0, -3.0),
        ([0.0, 4.0], 0.0, 4.0),
    ],
)
def test_range_of_float_images(tmp_path, values, low, high):
    source = loaded(tmp_path, images=np.tile(values, (6, 2, 1)))
    assert (source.spec.low, source.spec.high) == (low, high)
    np.testing.assert_allclose(
        source.spec.to_own(source.spec.to_unit(source.train.images))[0, 0, :, 0], values, atol=1e-6
    )


def test_whole_numbers_become_bytes_if_they_fit(tmp_path):
    assert loaded(tmp_path, images=BYTES.astype(np.int64)).train.images.dtype == np.uint8
    source = loaded(tmp_path, images=BYTES.astype(np.int64) + 1000)
    assert source.train.images.dtype == np.float32
    assert (source.spec.low, source.spec.high) == (0, 2047)
    assert set(np.unique(loaded(tmp_path, images=BYTES > 99).train.images)) == {0, 255}


def test_vectors_have_a_range_for_each_feature(tmp_path):
    vectors = np.array([[1, 5, 1e9], [3, 5, 1e9], [2, 5, 1e9]])
    spec = loaded(tmp_path, x=vectors).spec
    assert spec.image_shape == (3,)
    assert (spec.low[:2], spec.high[:2]) == ((1.0, 5.0), (3.0, 6.0))
    assert np.float32(spec.high[2]) > np.float32(spec.low[2])
    assert np.isfinite(spec.to_own(np.zeros((1, 3)))).all()


def test_a_range_that_float32_cannot_divide_by_counts_as_one_value(tmp_path):
    spec = loaded(tmp_path, x=np.array([[0, 1e-40], [1, 2e-40]])).spec
    assert (spec.low[0], spec.high[0]) == (0, 1)
    assert np.isfinite(spec.to_unit(np.array([[0, 1e-40]], np.float32))).all()


def test_names_of_classes_are_fit_for_a_terminal(tmp_path):
    labels = np.array(["\x1b[31mred", "a\nb"] * 5)
    assert loaded(tmp_path, images=BYTES, labels=labels).spec.class_names == (r"\x1b[31mred", r"a\nb")


def test_npy_stays_on_disk(tmp_path):
    np.save(tmp_path / "own.npy", BYTES)
    images = load_npz(str(tmp_path / "own.npy"), None, None, None, "auto", False).train.images
    assert isinstance(images, np.memmap)
    np.testing.assert_array_equal(images, BYTES)


def with_nan(rows):
    images = np.ones((10, 4, 4), np.float32)
    images[rows, 1, 1] = np.nan
    images[rows[-1:], 2, 2] = -np.inf
    return images


def test_skip_bad_leaves_out_examples_and_their_labels(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "genctl"):
        source = loaded(tmp_path, skip_bad=True, images=with_nan([2, 5]), labels=np.arange(10))
    assert source.spec.class_names == ("0", "1", "3", "4", "6", "7", "8", "9")
    assert len(source.train.images) == len(source.train.labels) == 8
    assert "2 of 10 examples" in caplog.text


def test_bad_values_are_found_in_any_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("genctl.data.numbers._CHUNK_BYTES", 200)
    with pytest.raises(UserError, match=r"3 of 10 .* index 4\. .*dataset.skip_bad=true"):
        loaded(tmp_path, images=with_nan([4, 5, 9]))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": BYTES[0, 0, 0]}, ["'images'", "(3,)", "(n, height, width)"]),
        ({"images": BYTES[None]}, ["(1, 10, 5, 7, 3)"]),
        ({"images": BYTES[:0]}, ["is empty"]),
        ({"images": np.zeros((9, 5, 5, 4), np.uint8)}, ["alpha"]),
        ({"images": np.zeros((9, 3, 5, 5), np.uint8)}, ["transpose(0, 2, 3, 1)"]),
        ({"images": np.zeros((9, 5, 5, 2), np.uint8)}, ["1 or 3 channels"]),
        ({"images": np.zeros((9, 5, 5), complex)}, ["complex128"]),
        ({"images": np.array([{}, None])}, ["'images'", "object"]),
        ({"images": BYTES, "labels": np.arange(9)}, ["'labels'", "(9,)", "(10,)"]),
        ({"images": BYTES, "labels": np.eye(10)}, ["'labels'", "(10, 10)"]),
        ({"images": BYTES, "labels": np.arange(10) / 3}, ["'labels'", "fractions"]),
        ({"a": BYTES, "b": BYTES}, ["holds a, b", "dataset.images_key"]),
        ({"images_key": "imges", "images": BYTES}, ["dataset.images_key=imges", "Did you mean 'images'?"]),
        ({"labels_key": "kind", "images": BYTES}, ["dataset.labels_key=kind", "holds images"]),
        ({"x_train": BYTES, "y_train": np.arange(10), "x_test": BYTES}, ["add 'y_test'"]),
        ({"x_train": BYTES, "x_test": BYTES[:, 1:]}, ["'x_test'", "(4, 7, 3)", "(5, 7, 3)"]),
        ({"skip_bad": True, "images": np.full((4, 2, 2), np.nan)}, ["4 of 4", "none is left"]),
        ({"images": np.full((4, 2, 2), 1e300)}, ["infinite"]),
        ({"images": np.array([[[-3e38]], [[3e38]]])}, ["the images range from -3e+38 to 3e+38", "float32"]),
        ({"x": np.array([[0, -3e38], [1, 3e38]])}, ["range from -3e+38 to 3e+38", "float32"]),
        ({"images": BYTES, "labels": np.full(10, 2**63, np.uint64)}, ["'labels'", "9.22337e+18", "2**63"]),
        ({"images": BYTES, "labels": np.full(10, 1e300)}, ["'labels'", "1e+300"]),
        ({"images": BYTES, "labels": NO_TEXT}, ["'labels'", "no text"]),
        ({"images": BYTES, "images_key": "images", "labels_key": "images"}, ["'images'", "(10, 5, 7, 3)"]),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, arrays, words):
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, **arrays)
    assert [word for word in words if word not in str(caught.value)] == []


def test_wrong_files_are_refused(tmp_path):
    np.savez(tmp_path / "good.npz", images=BYTES)
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.npz").write_bytes(whole[:500] + b"\0\1\2\3" + whole[504:])
    (tmp_path / "text.npz").write_text("no zip at all")
    (tmp_path / "empty.npz").touch()
    np.save(tmp_path / "one.npy", BYTES)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "one.npy").read_bytes()[:300])
    for name, words in [
        ("cut.npz", "cannot be read"),
        ("flipped.npz", "cannot be read"),
        ("text.npz", "not a NumPy file"),
        ("empty.npz", "cannot be read"),
        ("cut.npy", "cannot be read"),
        ("godo.npz", "does not exist .* Did you mean 'good.npz'"),
        ("", "is a folder: .* use dataset=folder"),
    ]:
        with pytest.raises(UserError, match=words):
            load_npz(str(tmp_path / name), None, None, None, "auto", False)
    with pytest.raises(UserError, match="dataset=npz needs dataset.path="):
        load_npz(None, None, None, None, "auto", False)
    with pytest.raises(UserError, match="one array without a name"):
        load_npz(str(tmp_path / "one.npy"), "images", None, None, "auto", False)
