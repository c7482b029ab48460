"""Image files of every kind, as bytes of one size."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N"}


def decode(path: Path, height: int, width: int, channels: int) -> np.ndarray:
    """Read an image file as (height, width, channels) uint8: upright, resized and centre-cropped, on white.

    Raises whatever Pillow raises on a file that it cannot read.
    """
    with Image.open(path) as image:
        # JPEG decodes several times faster at a fraction of its size; twice the size wanted keeps the resizing smooth.
        image.draft(None, (2 * max(height, width), 2 * max(height, width)))
        return fitted(_on_white(_eight_bit(ImageOps.exif_transpose(image))), height, width, channels)


def fitted(image: Image.Image, height: int, width: int, channels: int) -> np.ndarray:
    """Resize and centre-crop a picture to (height, width, channels) uint8."""
    plain = image.convert("L" if channels == 1 else "RGB")
    resized = ImageOps.fit(plain, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized, np.uint8).reshape(height, width, channels)


def is_colour(path: Path) -> bool:
    """Tell from its header whether a file holds a colour image; False where it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.mode == "P":
                palette = np.reshape(image.getpalette("RGB") or [], (-1, 3))
                return bool((palette != palette[:, :1]).any())
            return image.mode not in _GREY_MODES
    except Exception:  # Pillow's readers raise nearly anything on a broken file; `decode` will tell
        return False


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("32 bits a pixel, whose range is unknown: convert it to 8 or 16 bits, or use dataset=npz")
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
