"""Files for TensorBoard's embedding projector."""

import logging
import math
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from genctl.data.locations import shown
from genctl.runs.board import Board
from genctl.runs.grids import as_picture, png

MOST = 10_000  # points; the projector's own methods take no more
LARGEST = 8192  # pixels of a side of the sprite that browsers can show
log = logging.getLogger("genctl")


def write(folder: Path, step: int, codes: np.ndarray, labels: np.ndarray | None, images: np.ndarray | None) -> None:
    """Write codes (n, d), their labels, and thumbnails of uint8 images (n, h, w, c) as a run that TensorBoard finds."""
    board = Board(folder)
    board.begin(step)
    config = ProjectorConfig()
    points = config.embeddings.add(tensor_name="codes", tensor_path="tensors.tsv")
    place = folder / "train"  # where the board's event file lies, by which TensorBoard knows a run
    board.text("codes", f"{len(codes)} codes of {codes.shape[1]} numbers, in the projector.")
    board.close()
    np.savetxt(place / "tensors.tsv", codes, "%.7g", "\t")
    if labels is not None:
        lines = [f"{_one_line(str(label))}\n" for label in labels[: len(codes)]]
        (place / "metadata.tsv").write_text("".join(lines), encoding="utf-8")
        points.metadata_path = "metadata.tsv"
    if images is not None:
        sheet, size = sprite(images)
        (place / "sprite.png").write_bytes(png(sheet))
        points.sprite.image_path = "sprite.png"
        points.sprite.single_image_dim.extend(size)
    (place / "projector_config.pbtxt").write_text(text_format.MessageToString(config))
    log.info("%s: see it with tensorboard --logdir %s, under Projector", place, folder)


def sprite(images: np.ndarray) -> tuple[Image.Image, tuple[int, int]]:
    """Thumbnails row by row in a square of places, and the (width, height) of each."""
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    shrink = max(1, math.ceil(max(height, width) * columns / LARGEST))
    small = images[:, ::shrink, ::shrink]
    height, width = small.shape[1:3]
    sheet = np.zeros((columns * columns, height, width, channels), np.uint8)
    sheet[:count] = small
    rows = sheet.reshape(columns, columns, height, width, channels).swapaxes(1, 2)
    return as_picture(rows.reshape(columns * height, columns * width, channels)), (width, height)


def _one_line(label: str) -> str:
    """A label as one line, without the tabs that divide columns; the projector needs something in each."""
    return shown(label) if label.strip() else "-"
