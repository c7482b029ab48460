"""What examples are compared by: digests of their numbers, and of pictures perceptual hashes and thumbnails."""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import imagehash
import numpy as np
from PIL import Image, ImageOps
from rich.progress import MofNCompleteColumn

from genctl.compute.cores import cores
from genctl.data.bars import progress_bar
from genctl.data.examples import Split
from genctl.data.spec import Spec

_SIDE = 16  # pixels of a thumbnail: in it, compression and resizing hardly show, and other pictures do
_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class Prints:
    """Of n examples: 800 bytes each at most, whatever their size.

    digests: (n, 2) uint64, half of the SHA-256 of an example's numbers. The others are of pictures, and 0 for vectors.
    spread: (n,) float32, the standard deviation of the pixels in levels of 256; least, most: (n,) uint8, of these.
    hashes, mirrored: (n,) uint64, perceptual hashes of the picture and of its mirror image.
    thumbnails: (n, h, w, c) uint8, at most 16 pixels a side.
    """

    digests: np.ndarray
    spread: np.ndarray
    least: np.ndarray
    most: np.ndarray
    hashes: np.ndarray
    mirrored: np.ndarray
    thumbnails: np.ndarray

    @classmethod
    def empty(cls, count: int, spec: Spec) -> "Prints":
        """Room for so many examples of a data set."""
        small = (*(min(_SIDE, side) for side in spec.image_shape[:2]), spec.image_shape[2]) if spec.is_image else (0,)
        return cls(
            digests=np.zeros((count, 2), np.uint64),
            spread=np.zeros(count, np.float32),
            least=np.zeros(count, np.uint8),
            most=np.zeros(count, np.uint8),
            hashes=np.zeros(count, np.uint64),
            mirrored=np.zeros(count, np.uint64),
            thumbnails=np.zeros((count, *small), np.uint8),
        )

    def fill(self, place: int, example: np.ndarray) -> None:
        """Look at an example: a picture (h, w, c) uint8, or a vector (d,)."""
        digest = hashlib.sha256(np.ascontiguousarray(example).data).digest()
        self.digests[place] = np.frombuffer(digest[:16], np.uint64)
        if example.ndim == 1:
            return
        self.spread[place], self.least[place], self.most[place] = example.std(), example.min(), example.max()
        picture = Image.fromarray(example.squeeze(-1) if example.shape[-1] == 1 else example)
        self.hashes[place], self.mirrored[place] = _hash(picture), _hash(ImageOps.mirror(picture))
        height, width, channels = self.thumbnails.shape[1:]
        small = picture.resize((width, height), Image.Resampling.BOX)
        self.thumbnails[place] = np.asarray(small).reshape(height, width, channels)


def take_prints(splits: Sequence[Split], spec: Spec) -> Prints:
    """Look at all examples of some splits, in this order, in bounded memory."""
    total = sum(split.size for split in splits)
    taken, first = Prints.empty(total, spec), 0
    bar = progress_bar("Looking at examples", total, MofNCompleteColumn())
    with ThreadPoolExecutor(cores()) as pool, bar as advance:
        for examples in _chunks(splits, spec):
            list(pool.map(taken.fill, range(first, first + len(examples)), examples))
            first += len(examples)
            advance(len(examples))
    return taken


def _chunks(splits: Sequence[Split], spec: Spec) -> Iterator[np.ndarray]:
    """Examples, some at a time: images as bytes."""
    rows = max(1, _CHUNK_BYTES // (4 * spec.size))
    for split in splits:
        for start in range(0, split.size, rows):
            examples = split.take(np.arange(start, min(split.size, start + rows))).images
            yield spec.to_bytes(examples) if spec.is_image else examples


def _hash(picture: Image.Image) -> np.uint64:
    return np.packbits(imagehash.phash(picture).hash).view(np.uint64)[0]
