"""Grids of images as PNG."""

import io
import math

import numpy as np
from PIL import Image

SMALLEST_CELL = 48  # pixels: smaller images are enlarged, so that a person can see them


def grid(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """Lay uint8 images (n, h, w, c) out row by row with a thin gap; near to square unless `columns` is given."""
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count * height / width))
    scale = max(1, math.ceil(SMALLEST_CELL / max(height, width)))
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width, rows = height * scale, width * scale, math.ceil(count / columns)
    sheet = np.full((rows * (height + 2) + 2, columns * (width + 2) + 2, channels), 40, np.uint8)
    for index, image in enumerate(images):
        top, left = 2 + index // columns * (height + 2), 2 + index % columns * (width + 2)
        sheet[top : top + height, left : left + width] = image
    return Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet)


def pairs(originals: np.ndarray, reconstructions: np.ndarray) -> Image.Image:
    """Each original with its reconstruction on its right."""
    both = np.stack([originals, reconstructions], axis=1).reshape(-1, *originals.shape[1:])
    return grid(both, columns=2 * max(1, round(math.sqrt(len(originals) / 2))))


def png(image: Image.Image) -> bytes:
    """The picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
