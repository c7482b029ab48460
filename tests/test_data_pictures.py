"""Image files of every kind become upright bytes of one size."""

import numpy as np
import pytest
from PIL import Image

from genctl.data.pictures import decode

RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


def decoded(tmp_path, image, name="1.png", size=(8, 8, 3), **options):
    image.save(tmp_path / name, **options)
    return decode(tmp_path / name, *size).astype(int)


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
        ("1.png", "I;16", 32768, [128] * 3),
        ("1.tif", "I;16", 65535, WHITE),
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
