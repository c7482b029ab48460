"""Image files of every kind, as bytes of one size."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from genctl.errors import UserError
from genctl.files import regular

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # none of Pillow's that start a program, such as EPS
_GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N"}


warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `opened` refuses such pictures


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file of one of FORMATS, whatever its suffix; its pixels are read when they are first used.

    Raises UserError, which names the file, where it is no such file, has more pixels than Pillow's limit or is damaged,
    which may show only while its pixels are read.
    """
    try:
        with Image.open(regular(path), formats=FORMATS) as image:
            pixels, most = image.width * image.height, Image.MAX_IMAGE_PIXELS
            if most is not None and pixels > most:
                raise Image.DecompressionBombError(f"its {pixels:,} pixels are more than the {most:,} that are read")
            yield image
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"{path} cannot be read: it is none of {', '.join(FORMATS)}.") from error
    except Exception as error:  # Pillow's readers raise nearly anything on a broken file
        raise UserError(f"{path} cannot be read: {str(error).rstrip('.') or type(error).__name__}.") from error


def decode(path: Path, height: int, width: int, channels: int) -> np.ndarray:
    """Read an image file as (height, width, channels) uint8: upright, resized and centre-cropped, on white.

    Raises UserError where the file cannot be read.
    """
    with opened(path) as image:
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
        with opened(path) as image:
            if image.mode == "P":
                palette = np.reshape(image.getpalette("RGB") or [], (-1, 3))
                return bool((palette != palette[:, :1]).any())
            return image.mode not in _GREY_MODES
    except UserError:  # `decode` will tell
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
