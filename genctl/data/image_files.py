"""Reading image files; see pack.py for many of them at once."""

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from genctl.config.files import regular
from genctl.errors import UserError

# None of Pillow's that start a program, such as EPS. TGA has no mark of its own: only a file that ends so is one.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TIFF", "WEBP")
_TGA = (".icb", ".tga", ".vda", ".vst")
_RAW = {".bw", ".rgb", ".rgba"}  # of SGI, but most such files hold bare numbers: what they are is for `is_picture`
SUFFIXES = {suffix for suffix, kind in Image.registered_extensions().items() if kind in (*FORMATS, "TGA")} - _RAW
Interpolation = Literal["lanczos", "nearest"]
Frames = Literal["first", "all"]
_FILMS = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}  # of several pictures; a JPEG's further ones are previews
_GREY_MODES = {"1", "L", "LA", "La"}
_DEEP = {"I": "int32", "F": "float32"}  # modes of more than 8 bits a pixel; I;16 and the like are uint16
_REDUCED = 1  # bit 0 of a TIFF's NewSubfileType: the page is a smaller copy of another
_WHITE_IS_ZERO = 0  # of a TIFF's PhotometricInterpretation


warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `opened` refuses such pictures


class Shape(NamedTuple):
    """What a picture becomes: (height, width, channels) pixels, resized by `interpolation`."""

    height: int
    width: int
    channels: int
    interpolation: Interpolation = "lanczos"


@dataclasses.dataclass(frozen=True)
class Look:
    """What a file says of itself before it is decoded.

    height, width: of the upright picture. dtype: uint8, or what holds numbers of more than 8 bits. pictures: in the
    file.
    """

    height: int
    width: int
    colour: bool
    dtype: str
    pictures: int


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file of one of FORMATS, whatever its suffix; its pixels are read when they are first used.

    Raises UserError, which names the file, where it is no such file, has more pixels than Pillow's limit or is damaged,
    which may show only while its pixels are read.
    """
    formats = (*FORMATS, "TGA") if path.suffix.lower() in _TGA else FORMATS
    try:
        with Image.open(regular(path), formats=formats) as image:
            _check_size(image)
            yield image
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"{path} cannot be read: it is none of {', '.join(formats)}.") from error
    except Exception as error:  # Pillow's readers raise nearly anything on a broken file
        raise UserError(f"{path} cannot be read: {str(error).rstrip('.') or type(error).__name__}.") from error


def _check_size(image: Image.Image) -> None:
    pixels, most = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if most is not None and pixels > most:
        raise Image.DecompressionBombError(f"its {pixels:,} pixels are more than the {most:,} that are read")


def is_picture(path: Path) -> bool:
    """Whether a file begins as one of FORMATS does, whatever its name."""
    try:
        with opened(path):
            return True
    except UserError:
        return False


def look(path: Path) -> Look | None:
    """Read an image file's header; None where it cannot be read, as `decode` will tell."""
    try:
        with opened(path) as image:
            turned = image.getexif().get(Tag.Orientation, 1) > 4
            height, width = (image.width, image.height) if turned else (image.height, image.width)
            return Look(height, width, _has_colour(image), _dtype(image), len(_pages(image)))
    except UserError:
        return None


def _dtype(image: Image.Image) -> str:
    return "uint16" if image.mode.startswith("I;16") else _DEEP.get(image.mode, "uint8")


def _has_colour(image: Image.Image) -> bool:
    if image.mode == "P":
        palette = np.reshape(image.getpalette("RGB") or [], (-1, 3))
        return bool((palette != palette[:, :1]).any())
    return image.mode not in _GREY_MODES and _dtype(image) == "uint8"


def _pages(image: Image.Image) -> list[int]:
    """The places of the pictures in a file; smaller copies of others do not count."""
    count = getattr(image, "n_frames", 1) if image.format in _FILMS else 1
    if count == 1 or not isinstance(image, TiffImageFile):
        return list(range(count))
    pages = []
    for page in range(count):
        image.seek(page)
        if not image.tag_v2.get(Tag.NewSubfileType, 0) & _REDUCED:
            pages.append(page)
    image.seek(0)
    return pages or [0]


def decode(path: Path, shape: Shape, frames: Frames = "first") -> np.ndarray:
    """Read the first picture of a file, or all, as (n, height, width, channels): upright, resized and centre-cropped.

    uint8, transparent places being white; or float32 in the file's own numbers where it has more than 8 bits a pixel.
    Raises UserError where the file cannot be read.
    """
    with opened(path) as image:
        if frames == "first":
            # JPEG decodes several times faster at a fraction of its size; twice the size wanted keeps it smooth.
            side = 2 * max(shape.height, shape.width)
            if shape.interpolation != "nearest":
                image.draft(None, (side, side))
            return _decoded(image, shape)[None]
        frames_read = []
        for page in _pages(image):
            image.seek(page)
            _check_size(image)
            frames_read.append(_decoded(image, shape))
        return np.stack(frames_read)


def _decoded(image: Image.Image, shape: Shape) -> np.ndarray:
    upright = ImageOps.exif_transpose(image)
    if _dtype(image) == "uint8":
        return fitted(_on_white(upright), shape)
    numbers = np.asarray(upright)
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if tags.get(Tag.PhotometricInterpretation) == _WHITE_IS_ZERO and numbers.dtype.kind == "u":
        numbers = 2 ** tags.get(Tag.BitsPerSample, (16,))[0] - 1 - numbers  # Pillow turns those of 8 bits alone
    if not np.isfinite(numbers).all():
        raise ValueError("it holds NaN or infinite values")
    return fitted_numbers(numbers.astype(np.float32), shape)


def fitted(image: Image.Image, shape: Shape) -> np.ndarray:
    """Resize and centre-crop a picture to (height, width, channels) uint8."""
    plain = image.convert("L" if shape.channels == 1 else "RGB")
    return np.asarray(_resized(plain, shape), np.uint8).reshape(shape.height, shape.width, shape.channels)


def fitted_numbers(numbers: np.ndarray, shape: Shape) -> np.ndarray:
    """Resize and centre-crop grey float32 (h, w) to (height, width, channels), in the range of its own numbers."""
    resized = np.asarray(_resized(Image.fromarray(numbers), shape), np.float32)
    clipped = resized.clip(numbers.min(), numbers.max())  # LANCZOS overshoots at edges
    return np.repeat(clipped[..., None], shape.channels, axis=-1)


def _resized(image: Image.Image, shape: Shape) -> Image.Image:
    method = Image.Resampling.NEAREST if shape.interpolation == "nearest" else Image.Resampling.LANCZOS
    return ImageOps.fit(image, (shape.width, shape.height), method)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
