"""Grids of images, as PNG and as animated WebP."""

import io
import math
from collections.abc import Sequence

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
    return as_picture(sheet)


def as_picture(image: np.ndarray) -> Image.Image:
    """Turn uint8 (h, w, c), where c is 1 or 3, into a picture."""
    return Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)


def pairs(originals: np.ndarray, reconstructions: np.ndarray) -> Image.Image:
    """Each original with its reconstruction on its right."""
    both = np.stack([originals, reconstructions], axis=1).reshape(-1, *originals.shape[1:])
    return grid(both, columns=2 * max(1, round(math.sqrt(len(originals) / 2))))


def png(image: Image.Image) -> bytes:
    """The picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def webp(frames: Sequence[Image.Image], milliseconds: int = 80) -> bytes:
    """The bytes of an animated WebP that shows the frames there and back, without end and without loss."""
    buffer = io.BytesIO()
    first, *rest = [frame.convert("RGB") for frame in (*frames, *frames[-2:0:-1])]
    first.save(buffer, "WEBP", save_all=True, append_images=rest, duration=milliseconds, loop=0, lossless=True)
    return buffer.getvalue()
