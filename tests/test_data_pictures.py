"""Image files of every kind become upright bytes of one size."""

import os
import warnings

import numpy as np
import pytest
from PIL import Image

from genctl.data.image_files import Shape, decode, opened
from genctl.errors import UserError

RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


def decoded(tmp_path, image, name="1.png", size=(8, 8, 3), **options):
    image.save(tmp_path / name, **options)
    return decode(tmp_path / name, Shape(*size))[0].astype(int)


def halves(height, width):
    """Red on the left, blue on the right."""
    pixels = np.full((height, width, 3), BLUE, np.uint8)
    pixels[:, : width // 2] = RED
    return Image.fromarray(pixels)


def test_centre_is_kept_and_edges_are_cropped(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = RED
    assert (decoded(tmp_path, Image.fromarray(pixels), size=(10, 10, 3)) == RED).all()


def test_size_is_height_then_width(tmp_path):
    image = decoded(tmp_path, halves(6, 10), size=(6, 10, 3))
    np.testing.assert_array_equal(image, np.asarray(halves(6, 10)))


def test_resizing_is_antialiased(tmp_path):
    checks = Image.fromarray((np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8))
    np.testing.assert_allclose(decoded(tmp_path, checks, size=(16, 16, 1)), 127.5, atol=2)


@pytest.mark.parametrize(("height", "width"), [(40, 60), (400, 600)])
def test_exif_orientation_is_honoured(tmp_path, height, width):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise: the left side comes to the top
    image = decoded(tmp_path, halves(height, width), "1.jpg", exif=exif, quality=95, subsampling=0)
    np.testing.assert_allclose(image[0], [RED] * 8, atol=10)
    np.testing.assert_allclose(image[-1], [BLUE] * 8, atol=10)


@pytest.mark.parametrize(
    ("name", "mode", "colour", "expected"),
    [
        ("1.png", "RGBA", (255, 0, 0, 0), WHITE),
        ("1.png", "RGBA", (255, 0, 0, 255), RED),
        ("1.png", "LA", (0, 0), WHITE),
        ("1.png", "I;16", 32768, [32768] * 3),
        ("1.tif", "I;16", 65535, [65535] * 3),
        ("1.jpg", "CMYK", (0, 255, 255, 0), RED),
    ],
)
def test_unusual_modes(tmp_path, name, mode, colour, expected):
    image = decoded(tmp_path, Image.new(mode, (20, 10), colour), name)
    np.testing.assert_allclose(image[4, 4], expected, atol=2)


def test_palette_with_transparency_is_put_on_white(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert decoded(tmp_path, image, transparency=1)[4, 4].tolist() == WHITE
    assert decoded(tmp_path, image)[4, 4].tolist() == RED


def test_a_format_that_starts_a_program_is_not_read(tmp_path):
    (tmp_path / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(UserError, match=r"1\.png cannot be read: it is none of AVIF, BMP, .*TIFF, WEBP"):
        decode(tmp_path / "1.png", Shape(8, 8, 3))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_named(tmp_path, make):
    make(tmp_path / "1.png")
    with pytest.raises(UserError, match=r"1\.png is a (pipe|folder|device)"), opened(tmp_path / "1.png"):
        pass


@pytest.mark.parametrize("side", [33, 90])  # Pillow warns of the first and refuses the second
def test_more_pixels_than_the_limit_are_one_message(tmp_path, monkeypatch, capfd, side):
    Image.new("L", (side, side)).save(tmp_path / "1.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings(record=True), pytest.raises(UserError, match=r"1\.png cannot be read: .*pixels"):
        decode(tmp_path / "1.png", Shape(8, 8, 1))
    assert capfd.readouterr() == ("", "")


def test_several_photographs_in_one_jpeg(tmp_path):
    halves(16, 16).save(tmp_path / "1.jpg", "MPO", save_all=True, append_images=[Image.new("RGB", (16, 16))])
    np.testing.assert_allclose(decode(tmp_path / "1.jpg", Shape(16, 16, 3))[0][8, [1, 14]], [RED, BLUE], atol=10)
