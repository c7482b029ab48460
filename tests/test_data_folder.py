"""A user's own image files: every kind is read sensibly, packed once, and broken files are named."""

import logging
import os

import numpy as np
import pytest
from PIL import Image

from genctl.data import folder, pack
from genctl.errors import UserError

RED, BLUE = [255, 0, 0], [0, 0, 255]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path):
    return tmp_path / "photos"


def save(path, colour=(255, 0, 0), size=(20, 10), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new(mode, size, colour)
    image.save(path, **options)
    return path


def load(path, image_size=8, channels=None, skip_bad=False):
    return folder.load_folder(str(path), image_size, channels, "lanczos", None, "first", "auto", skip_bad)


def count_decodes(monkeypatch):
    calls = []
    decode = pack.decode
    monkeypatch.setattr(pack, "decode", lambda *given: calls.append(given[0].name) or decode(*given))
    return calls


def test_sub_folders_are_classes(photos):
    for name, colour in [("b/2.PNG", BLUE), ("a/deep/1.png", RED), ("b/1.bmp", BLUE), ("c/1.gif", RED)]:
        save(photos / name, tuple(colour))
    save(photos / ".hidden/1.png")
    save(photos / "a/.hidden.png")
    (photos / "notes.txt").write_text("not an image")
    source = load(photos)
    assert source.spec.name == "photos"
    assert source.spec.class_names == ("a", "b", "c")
    assert source.train.labels.tolist() == [0, 1, 1, 2]
    assert source.train.labels.dtype == np.int32
    assert source.train.images[:, 0, 0].tolist() == [RED, BLUE, BLUE, RED]
    assert isinstance(source.train.images, np.memmap)
    assert source.test is None


def test_one_image_outside_the_sub_folders_means_no_labels(photos):
    save(photos / "a/1.png")
    save(photos / "1.png")
    assert load(photos).train.labels is None


def test_mixed_sizes_grey_and_colour(photos):
    save(photos / "1.jpg", 100, (33, 51), "L")
    save(photos / "2.jpg", tuple(BLUE), (1, 90))
    save(photos / "3.webp", tuple(RED), (640, 480), lossless=True)
    images = load(photos, [6, 10]).train.images
    assert images.shape == (3, 6, 10, 3)
    np.testing.assert_allclose(images[:, 3, 5], [[100] * 3, BLUE, RED], atol=2)
    assert load(photos, [6, 10], channels=1).train.images.shape == (3, 6, 10, 1)


def test_grey_images_give_one_channel(photos):
    save(photos / "1.png", 7, mode="L")
    save(photos / "2.png", 1, mode="1")
    Image.linear_gradient("L").convert("P").save(photos / "3.png")
    assert load(photos).spec.image_shape == (8, 8, 1)
    save(photos / "4.png", 1, mode="P")
    Image.new("RGB", (4, 4), (9, 200, 30)).quantize(4).save(photos / "4.png")
    assert load(photos).spec.image_shape == (8, 8, 3)


def test_second_load_reads_the_pack(photos, monkeypatch):
    for number in range(5):
        save(photos / f"{number}.png", (number, 0, 0))
    first = np.array(load(photos).train.images)
    calls = count_decodes(monkeypatch)
    np.testing.assert_array_equal(load(photos).train.images, first)
    assert calls == []
    load(photos, 9)
    assert len(calls) == 5
    os.utime(photos / "3.png", (1, 1))
    load(photos)
    assert len(calls) == 10


def test_order_is_kept_over_many_batches(photos, monkeypatch):
    monkeypatch.setattr(pack, "_AT_ONCE", 3)
    for number in range(10):
        save(photos / f"{number}.png", 10 * number, mode="L")
    assert load(photos).train.images[:, 0, 0, 0].tolist() == list(range(0, 100, 10))


def broken(photos, count=5):
    for number in range(8):
        save(photos / "ab"[number % 2] / f"{number}.jpg", (number * 30, 0, 0))
    for path in sorted(photos.rglob("*.jpg"))[:count]:
        path.write_bytes(path.read_bytes()[:300])


def test_broken_files_are_named_and_counted(photos, cache):
    broken(photos)
    with pytest.raises(UserError, match=r"5 of 8 .*a/0\.jpg \(.* and 2 more.*dataset\.skip_bad=true"):
        load(photos)
    assert [path.name for path in (cache / "genctl" / "folders").iterdir() if path.suffix != ".lock"] == []


def test_skip_bad_leaves_broken_files_out(photos, caplog, monkeypatch):
    broken(photos)
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "genctl"):
            source = load(photos, skip_bad=True)
        assert "5 of 8 image files cannot be read: a/0.jpg" in caplog.text
        assert source.train.labels.tolist() == [1, 1, 1]
        np.testing.assert_allclose(source.train.images[:, 4, 4, 0], [90, 150, 210], atol=3)
    with pytest.raises(UserError, match="5 of 8"):
        load(photos)


def test_no_file_can_be_read(photos):
    broken(photos, 8)
    with pytest.raises(UserError, match=r"8 of 8 .*Mend them\."):
        load(photos, skip_bad=True)


def test_decompression_bombs_and_dead_links_are_bad_files(photos, monkeypatch):
    save(photos / "1.png", size=(100, 100))
    (photos / "2.png").symlink_to(photos / "nothing")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UserError, match=r"2 of 2 .*1\.png .*decompression bomb.*2\.png .*No such file"):
        load(photos)


def test_float_images_with_no_number_are_bad_files(photos):
    save(photos / "1.tif", float("nan"), mode="F")
    with pytest.raises(UserError, match="NaN or infinite values"):
        load(photos)


def test_a_link_that_leads_back_up_ends(photos):
    save(photos / "a/1.png")
    (photos / "a/up").symlink_to(photos)
    assert len(load(photos).train.images) == 1


def test_wrong_paths_are_refused(photos):
    photos.mkdir()
    with pytest.raises(UserError, match="has no images"):
        load(photos)
    with pytest.raises(UserError, match="does not exist .*Did you mean 'photos'"):
        load(photos.with_name("photso"))
    with pytest.raises(UserError, match="is no folder"):
        load(save(photos / "1.png"))
    with pytest.raises(UserError, match="dataset=folder needs dataset.path="):
        folder.load_folder(None, 8, None, "lanczos", None, "first", "auto", False)


def test_unusable_cache_is_refused(photos, cache):
    save(photos / "1.png")
    cache.write_text("a file where the directory should be")
    with pytest.raises(UserError, match="cache directory .* cannot be written .*XDG_CACHE_HOME"):
        load(photos)


def test_damaged_pack_is_named(photos, cache):
    save(photos / "1.png")
    load(photos)
    (images,) = (cache / "genctl" / "folders").glob("*/images.npy")
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(UserError, match="images.npy has not the SHA-256 .* Delete the folder"):
        load(photos)
