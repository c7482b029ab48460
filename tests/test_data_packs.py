"""Packs belong to the very files that they were made of, and folders may hold anything."""

import json
import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genctl.data import folder, listing, pack
from genctl.data.image_files import Shape
from genctl.errors import UserError

TIME = 1_700_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/genctl/folders"


def save(path, grey=0):
    """A picture whose size and time of change say nothing about it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), grey).save(path, "BMP")
    os.utime(path, (TIME, TIME))
    return path


def load(path, image_size=8, skip_bad=False):
    return folder.load_folder(str(path), image_size, None, "lanczos", None, "first", "auto", skip_bad)


def greys(path):
    return load(path).train.images[:, 0, 0, 0].tolist()


def refused(path, **options):
    with pytest.raises(UserError) as caught:
        load(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folders_of_equal_names_sizes_and_times_are_told_apart(tmp_path):
    for name, grey in (("images", 30), ("masks", 220)):
        save(tmp_path / name / "1.bmp", grey)
    assert (greys(tmp_path / "images"), greys(tmp_path / "masks")) == ([30], [220])


def test_folders_are_told_apart_where_a_file_system_knows_neither_times_nor_places(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_state", lambda file: (1,))
    test_folders_of_equal_names_sizes_and_times_are_told_apart(tmp_path)


def test_a_replaced_picture_of_the_same_time_is_seen(tmp_path, cache):
    picture = save(tmp_path / "images/1.bmp", 30)
    assert greys(tmp_path / "images") == [30]
    save(picture, 120)
    assert greys(tmp_path / "images") == [120]
    save(tmp_path / "new.bmp", 200).replace(picture)
    assert greys(tmp_path / "images") == [200]
    assert greys(tmp_path / "images/../images") == [200]
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 3


REST = (
    '"counts": %s, "bad": {}, "least": 0, "most": 9, "survey": {"files": 1, "coloured": 0, "several": 0, "deep": 0, '
    '"dtype": "uint8", "smallest": [8, 8], "largest": [8, 8], "enlarged": 0, "cut": [0, 0]}'
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "is no description of a pack"),
        ("{", "is no description of a pack"),
        ('{"sha256": "SHA"}', "is no description of a pack"),
        ('{"sha256": "SHA", "bad": {"one": "x"}}', "is no description of a pack"),
        (f'{{"sha256": "SHA", {REST % "[0]"}}}', "does not speak of 1 files and 1 images"),
        (f'{{"sha256": "0", {REST % "[1]"}}}', "images.npy has not the SHA-256"),
    ],
)
def test_a_damaged_description_is_named(tmp_path, cache, text, words):
    save(tmp_path / "images/1.bmp")
    load(tmp_path / "images")
    (description,) = cache.glob("*/pack.json")
    description.write_text(text.replace("SHA", json.loads(description.read_text())["sha256"]))
    message = refused(tmp_path / "images")
    assert words in message and f"Delete the folder {description.parent}" in message


@pytest.mark.parametrize("name", ["pack.json", "images.npy"])
def test_a_pack_is_of_regular_files(tmp_path, cache, name):
    save(tmp_path / "images/1.bmp")
    load(tmp_path / "images")
    (file,) = cache.glob(f"*/{name}")
    file.unlink()
    os.mkfifo(file)
    assert f"{name} is a pipe" in refused(tmp_path / "images")


def test_a_changed_byte_of_a_pack_is_seen(tmp_path, cache):
    save(tmp_path / "images/1.bmp", 30)
    load(tmp_path / "images")
    (images,) = cache.glob("*/images.npy")
    images.write_bytes(images.read_bytes()[:-1] + b"\x1f")
    assert "images.npy has not the SHA-256 that it was written with" in refused(tmp_path / "images")


def test_what_is_no_picture_counts_as_one_that_cannot_be_read(tmp_path, monkeypatch):
    root = tmp_path / "images"
    save(root / "good.bmp", 70)
    os.mkfifo(root / "pipe.png")
    monkeypatch.chdir(root)  # a socket's path must be short
    socket.socket(socket.AF_UNIX).bind("socket.png")
    (root / "zero.png").symlink_to("/dev/zero")
    (root / "circle.png").symlink_to(root / "circle.png")
    (root / "up").symlink_to(tmp_path)
    (root / "folder.png").mkdir()
    message = refused(root)
    assert "4 of 5 image files cannot be read: circle.png (Too many levels of symbolic links), pipe.png (is a pipe" in (
        message
    )
    for _ in range(2):
        assert load(root, skip_bad=True).train.images[:, 0, 0, 0].tolist() == [70]


NAMES = ("a\nb", "\x1b[31mred", os.fsdecode(b"caf\xe9"), "ünï")
SHOWN = (r"\x1b[31mred", r"a\nb", r"caf\udce9", "ünï")


def test_names_of_any_kind(tmp_path, cache):
    root = tmp_path / os.fsdecode(b"\xff")
    for grey, name in enumerate(sorted(NAMES)):
        save(root / name / f"{name}.bmp", 50 * grey)
    source = load(root)
    assert (source.spec.name, source.spec.class_names) == (r"\udcff", SHOWN)
    assert source.train.images[:, 0, 0, 0].tolist() == [0, 50, 100, 150]
    assert source.train.labels.tolist() == [0, 1, 2, 3]
    for name in NAMES[:3]:
        (root / name / f"{name}.bmp").write_text("no picture")
    message = refused(root)
    assert rf"{SHOWN[0]}/{SHOWN[0]}.bmp (it is none of AVIF" in message and r"a\nb/a\nb.bmp" in message
    assert load(root, skip_bad=True).train.labels.tolist() == [3]
    assert sum(len(json.loads(path.read_text())["bad"]) for path in cache.glob("*/pack.json")) == 3


def test_folders_are_walked_to_any_depth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):  # deeper than Python's recursion
        Path("x").mkdir()
        os.chdir("x")
    save(tmp_path / "1.bmp").rename("1.bmp")
    found = listing.image_files(tmp_path / "x").pictures
    os.chdir(tmp_path)
    subprocess.run(["rm", "-r", "x"], check=True)  # pytest's own tidying is recursive
    assert found == ["x/" * 1199 + "1.bmp"]


@pytest.mark.skipif(os.getuid() == 0, reason="root reads every folder")
def test_an_unreadable_folder_is_named(tmp_path):
    save(tmp_path / "images/1.bmp")
    (tmp_path / "images/secret").mkdir(mode=0)
    assert "images/secret cannot be read (Permission denied): make it readable" in refused(tmp_path / "images")


def test_a_folder_that_changes_while_it_is_read_is_not_packed(tmp_path, cache, monkeypatch):
    root, decode = tmp_path / "images", pack.decode
    picture = save(root / "1.bmp", 30)
    monkeypatch.setattr(pack, "decode", lambda *given: (decode(*given), save(picture, 120))[0])
    assert f"{root} changed while its images were read" in refused(root)
    monkeypatch.setattr(pack, "decode", lambda *given: (picture.unlink(), decode(*given)))
    assert "1 of 1 image files cannot be read: 1.bmp (No such file" in refused(root)
    assert list(cache.glob("*/images.npy")) == []


def test_images_that_do_not_fit_are_refused_with_their_size(tmp_path, monkeypatch):
    save(tmp_path / "images/1.bmp")
    assert "image_size=[10000000, 10000000] takes" in refused(tmp_path / "images", image_size=10**7)
    assert "more than 1,024 ZiB" in refused(tmp_path / "images", image_size=[10**30, 5])
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Disk", (), {"free": 63}))
    message = refused(tmp_path / "images")
    assert "The images with dataset.image_size=[8, 8] take 64 bytes, but 63 bytes are free in" in message


def test_large_images_are_packed_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "_AT_ONCE_BYTES", 1)
    for grey in range(20):
        save(tmp_path / f"images/{grey:02}.bmp", 5 * grey)
    assert greys(tmp_path / "images") == list(range(0, 100, 5))
    assert pack.memory(Shape(1000, 1000, 3)) <= pack._MOST_THREADS * 11 * 10**6
    np.testing.assert_array_equal(load(tmp_path / "images", [1, 3]).train.images[:, 0, 2, 0], range(0, 100, 5))
