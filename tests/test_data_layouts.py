"""Folders and files as people have them: what is a split, a class, a picture, and what is left out and said."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SPLITS, Genctl, tiny
from PIL import Image

from genctl.data import arrays, folder
from genctl.data.dataset import Augment, Dataset
from genctl.data.examples import Examples, Source
from genctl.data.keys import find
from genctl.data.layout import arrange
from genctl.data.spec import Spec
from genctl.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("names", "labels", "classes", "splits"),
    [
        ("1 2 3", "auto", None, "train train train"),
        ("cat/1 cat/2 dog/1", "auto", "cat cat dog", "train train train"),
        ("cat/1 cat/2 dog/1", "none", None, "train train train"),
        ("all/cat/1 all/dog/1", "auto", "cat dog", "train train"),
        ("all/1 all/2", "auto", None, "train train"),
        ("all/1 all/2", "folders", "all all", "train train"),
        ("train/1 train/2 test/1", "auto", None, "train train test"),
        ("Train/cat/1 Train/dog/1 TEST/dog/1 val/cat/1", "auto", "cat dog cat dog", "train train validation test"),
        ("set/training/cat/1 set/training/dog/1 set/valid/cat/1", "auto", "cat dog cat", "train train validation"),
        ("train/images/1 train/images/2 val/images/1", "auto", None, "train train validation"),
        ("train/cat/1 train/dog/1", "auto", "cat dog", "train train"),
        ("test/1 val/1", "auto", "test val", "train train"),
        ("00000/1 00000/2 00001/3", "auto", None, "train train train"),
        ("00000/1 00000/2 00001/3", "folders", "00000 00000 00001", "train train train"),
        ("shard-0/1 shard-1/2", "auto", None, "train train"),
        ("0/1 1/1 9/1", "auto", "0 1 9", "train train train"),
        ("cat/1 cat/2 dog/1 dog/2 stray", "auto", "cat cat dog dog", "train train train train"),
        ("cat/1 dog/2 1 2 3", "auto", None, "train train train train train"),
        ("train/1 test/1 other/1 readme", "auto", None, "train test"),
    ],
)
def test_what_folders_mean(names, labels, classes, splits):
    found = arrange(names.split(), labels)
    assert (found.labels, found.splits) == (classes and classes.split(), splits.split())


def test_what_is_left_out_of_a_layout_is_counted():
    stray = arrange(["cat/1", "cat/2", "dog/1", "dog/2", "stray"], "auto")
    assert "1 beside these left out; dataset.labels=none takes none" in stray.decided["classes"]
    beside = arrange(["train/1", "test/1", "other/1", "readme"], "auto")
    assert beside.decided["splits"] == "by the folders test, train; 2 beside these left out"
    with pytest.raises(UserError, match=r"dataset\.labels=folders: no picture lies in a folder"):
        arrange(["1", "2"], "folders")


def test_splits_of_folders_are_those_of_the_run(genctl: Genctl) -> None:
    sizes = {"train": 6, "val": 3, "test": 2}
    for split, size in sizes.items():
        for place in range(size):
            path = Path("set", split, "ab"[place % 2], f"{place}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(GREY // (1 + place)).save(path)
    words = ("dataset=folder", "dataset.path=set", "dataset.image_size=16", "trainer.steps=1", "trainer.batch_size=2")
    said = genctl.good("train", *tiny("vae")[:-2], *words, "callbacks.images.every_steps=0", "name=x").out
    assert "6 training, 3 validation and 2 test examples" in said
    assert "splits: by the folders test, train, val" in said
    assert json.loads(Path("runs/x/spec.json").read_text())["class_names"] == ["a", "b"]
    folds = genctl.good(
        "train", *tiny("vae")[:-2], *words, "callbacks.images.every_steps=0", "name=y", "dataset.folds=3"
    ).out
    assert "4 training, 2 validation and 2 test" in folds and "own validation split is not used" in folds


SAVED = {
    "a.jpg": "JPEG", "b.jfif": "JPEG", "c.jpe": "JPEG", "d.ppm": "PPM", "e.pgm": "PPM", "f.avif": "AVIF",
    "g.jp2": "JPEG2000", "h.tga": "TGA", "i": "PNG", "j.JPG": "JPEG", "k.Tiff": "TIFF", "l.apng": "PNG",
    "m.bmp": "BMP", "n.webp": "WEBP", "o.qoi": "QOI", "p.download": "PNG", "q.pcx": "PCX", "r.sgi": "SGI",
    "s.dib": "DIB",
}  # fmt: skip


def test_pictures_are_known_by_their_content(tmp_path):
    for name, kind in SAVED.items():
        picture = Image.fromarray(GREY)
        (picture if kind != "QOI" else picture.convert("RGB")).save(tmp_path / name, kind)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "table.csv").write_text("1,2")
    (tmp_path / "empty").touch()
    source = folder.read(tmp_path, folder.Wanted(16, 16, 1))
    assert len(source.train.images) == len(SAVED)
    for name, image in zip(sorted(SAVED), source.train.images, strict=True):
        assert np.abs(image[..., 0].astype(int) - GREY).mean() < 30, name
    assert source.spec.decided["files"] == (
        "19 image files hold 19 pictures; left out as no pictures: 1 without a suffix, 1 .txt, 1 .csv"
    )


def films(tmp_path):
    frames = [Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (30, 60, 110, 160, 210)]
    for suffix, options in (("tif", {}), ("gif", {}), ("webp", {"lossless": True}), ("png", {})):
        frames[0].save(tmp_path / f"film.{suffix}", save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize(("frames", "count"), [("first", 4), ("all", 20)])
def test_frames_of_films_and_stacks(tmp_path, frames, count):
    (tmp_path / "x").mkdir()
    films(tmp_path / "x")
    source = folder.read(tmp_path / "x", folder.Wanted(16, 16, 1, frames=frames))
    greys = source.train.images[:, 8, 8, 0].astype(int)
    expected = [30] * 4 if frames == "first" else [30, 60, 110, 160, 210] * 4
    np.testing.assert_allclose(greys, expected, atol=1)
    told = source.spec.decided["files"]
    assert f"4 image files hold {count} pictures" in told
    assert ("of 4 with several pictures the first is taken (dataset.frames=all takes all)" in told) == (count == 4)


def test_smaller_copies_in_a_stack_are_no_pictures(tmp_path):
    large, small = Image.fromarray(GREY), Image.fromarray(GREY[::2, ::2])
    small.encoderinfo = {"tiffinfo": {254: 1}}
    large.save(tmp_path / "pyramid.tif", save_all=True, append_images=[small])
    source = folder.read(tmp_path, folder.Wanted(16, 16, 1, frames="all"))
    assert len(source.train.images) == 1


def test_what_fitting_does_is_said(tmp_path):
    for place, (width, height) in enumerate([(30, 10), (8, 8), (64, 64)]):
        Image.fromarray(np.full((height, width), 200, np.uint8)).save(tmp_path / f"{place}.png")
    told = folder.read(tmp_path, folder.Wanted(16, 16, None)).spec.decided
    assert told["size"].startswith(
        "8x8 to 64x64 pixels (width x height) are resized to 16x16 (lanczos); at their sides 22% is cut off on "
        "average, 67% at most; 2 of 3 are enlarged"
    )
    Image.new("RGB", (16, 16), "red").save(tmp_path / "red.png")
    told = folder.read(tmp_path, folder.Wanted(16, 16, None)).spec.decided
    assert (
        told["channels"]
        == "3: 1 of 4 files are in colour, the others become coloured; dataset.channels=1 makes all grey"
    )
    told = folder.read(tmp_path, folder.Wanted(16, 16, 1)).spec.decided
    assert told["channels"] == "1, as dataset.channels=1 says: 1 of 4 files are in colour"


@pytest.mark.parametrize(
    ("keys", "given", "found"),
    [
        ("x_train y_train x_test y_test", (None, None), "train x_train y_train, test x_test y_test"),
        (
            "train_images val_images test_images train_labels val_labels test_labels",
            (None, None),
            "train train_images train_labels, validation val_images val_labels, test test_images test_labels",
        ),
        ("X_train X_valid", (None, None), "train X_train None, validation X_valid None"),
        ("Xtrain ytrain Xtest ytest", (None, None), "train Xtrain ytrain, test Xtest ytest"),
        ("trainImages trainLabels", (None, None), "train trainImages trainLabels"),
        ("data target", (None, None), "train data target"),
        ("images label", (None, None), "train images label"),
        ("x y_train", (None, None), "train x y_train"),
        ("samples range labels", (None, None), "train samples labels"),
        ("faces", (None, None), "train faces None"),
        (
            "faces_train faces_test y_train y_test",
            ("faces_train", None),
            "train faces_train y_train, test faces_test y_test",
        ),
        ("a x_test y_train y_test", ("a", None), "train a y_train, test x_test y_test"),
        ("a kind_train b kind_test b_test", ("b", "kind_train"), "train b kind_train, test b_test kind_test"),
        ("x_train x_test y_test", ("x_test", None), "train x_test y_test"),
        ("x_train y_train x_test", (None, None), "no labels"),
        ("a b", (None, None), "not told"),
    ],
)  # fmt: skip
def test_names_of_arrays(keys, given, found):
    if found in ("no labels", "not told"):
        words = "'x_test' has none: add 'y_test'" if found == "no labels" else "say which array has the images"
        with pytest.raises(UserError, match=words):
            find("x.npz", keys.split(), *given)
        return
    assert ", ".join(" ".join(map(str, one)) for one in find("x.npz", keys.split(), *given)) == found
    without = find("x.npz", keys.split(), given[0], None, with_labels=False)
    assert [one.labels for one in without] == [None] * len(without)


def test_splits_of_a_file_are_those_of_the_run(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), np.uint8)
    labels = np.arange(12)[:, None] % 3
    content = {f"{split}_{kind}": data[:count] for split, count in (("train", 12), ("val", 5), ("test", 4))
               for kind, data in (("images", images), ("labels", labels))}  # fmt: skip
    np.savez(tmp_path / "medical.npz", **content)
    source = arrays.load_npz(str(tmp_path / "medical.npz"), None, None, None, "auto", False)
    dataset = cut(source)
    assert dataset.sizes == {"train": 12, "validation": 5, "test": 4}
    assert sorted(dataset.split("validation").load().labels.tolist()) == [0, 0, 1, 1, 2]
    assert dataset.spec.decided["splits"] == (
        "train is 'train_images', validation is 'val_images', test is 'test_images'"
    )
    bare = arrays.load_npz(str(tmp_path / "medical.npz"), None, None, None, "none", False)
    assert bare.spec.label_dim == 0 and bare.train.labels is None


def cut(source, **changes):
    settings = {**SPLITS, "validation_fraction": 0.2, "test_fraction": 0.3}
    return Dataset(source, **{**settings, **changes}, augment=Augment())


@pytest.mark.parametrize("changes", [{}, {"folds": 4, "fold": 2}, {"limit": 30}])
def test_stratified_splits_have_the_classes_of_the_whole(changes):
    from sklearn.model_selection import train_test_split

    labels = np.repeat(np.arange(3, dtype=np.int32), [100, 60, 40])
    np.random.default_rng(0).shuffle(labels)
    source = Source(Spec("x", (2, 2, 1), ("a", "b", "c")), Examples(np.zeros((200, 2, 2, 1), np.uint8), labels))
    dataset = cut(source, stratify=True, **changes)
    for name, size in dataset.sizes.items():
        counts = np.bincount(dataset.split(name).load().labels, minlength=3)
        np.testing.assert_allclose(counts, np.array([0.5, 0.3, 0.2]) * size, atol=1)
    if not changes:
        _, peer = train_test_split(labels, test_size=0.3, stratify=labels, random_state=0)
        assert np.bincount(dataset.split("test").load().labels).tolist() == np.bincount(peer).tolist() == [30, 18, 12]
        other = cut(source, stratify=True, split_seed=1)
        assert other.split("test").positions.tolist() != dataset.split("test").positions.tolist()
    with pytest.raises(UserError, match=r"dataset\.stratify=true needs labels"):
        cut(Source(source.spec, Examples(source.train.images, None)), stratify=True)


def test_verbs_read_films_and_masks_as_the_run_does(genctl: Genctl) -> None:
    Path("x").mkdir()
    films(Path("x"))
    words = ("dataset=folder", "dataset.path=x", "dataset.image_size=8", "dataset.frames=all")
    small = ("trainer.steps=1", "trainer.batch_size=2", "name=x", "dataset.interpolation=nearest")
    genctl.good("train", *tiny("vae")[:-2], "callbacks.images.every_steps=0", *words, *small)
    genctl.good("encode", "run=runs/x", "path=x/film.gif", "out=one.npz")
    said = genctl.good("encode", "run=runs/x", "path=x", "out=all.npz").out
    assert "path=x, files: 4 image files hold 20 pictures" in said and "resized to 8x8 (nearest)" in said
    with np.load("one.npz") as one, np.load("all.npz") as all_:
        np.testing.assert_allclose(one["codes"], all_["codes"][:5], rtol=1e-6)
