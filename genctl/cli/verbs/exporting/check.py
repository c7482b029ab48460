"""Whether an exported network gives what genctl gives."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genctl.cli.verbs.exporting.formats import Format
from genctl.cli.verbs.exporting.parts import Part
from genctl.errors import UserError

COMPARED = 16  # examples
CLOSE = 1e-3  # of the largest number


class Exported(NamedTuple):
    """A part that was written. compared: how its file's outputs compare with genctl's.

    rounded: the most that outputs differ from those in the precision of the training; None where it is the same.
    """

    part: Part
    compared: Mapping[str, str]
    rounded: Mapping[str, float] | None


def check(part: Part, kind: Format, path: Path, classes: int) -> dict[str, str]:
    """Read the file back; return how each of its outputs compares with genctl's. Raises UserError where they differ.

    classes: of the data. It is done on the CPU, where every format computes in full precision.
    """
    arrays = _examples(part, classes)
    with tf.device("/CPU:0"):
        given, expected = kind.read(path, part.outputs)(arrays), part.expected(arrays)
    return {output: compared(path.name, given[output], expected[output]) for output in part.outputs}


def rounding(part: Part, trained: Part, classes: int) -> dict[str, float]:
    """The most that what the part gives differs, by output, from what it gave in the precision of the training."""
    arrays = _examples(part, classes)
    full, half = part.expected(arrays), trained.expected(arrays)
    return {output: float(np.abs(full[output].astype(np.float64) - half[output]).max()) for output in part.outputs}


def compared(file: str, given: np.ndarray, expected: np.ndarray) -> str:
    """How an export's output compares with genctl's; a byte may round differently. Raises UserError if wrong."""
    if given.shape != expected.shape or given.dtype != expected.dtype:
        raise UserError(
            f"{file} gives {given.dtype}{list(given.shape)}, and genctl {expected.dtype}{list(expected.shape)}: "
            "nothing is exported."
        )
    if not np.isfinite(expected).all():
        raise UserError(f"{file}: genctl's own output holds NaN or infinite values: nothing is exported.")
    if (given == expected).all():
        return "the same bits"
    difference = np.abs(given.astype(np.float64) - expected)
    allowed = 1 if given.dtype == np.uint8 else CLOSE * max(1.0, np.abs(expected).max())
    if not difference.max() <= allowed:  # nor where it is not a number
        raise UserError(
            f"{file} differs by up to {difference.max():.3g} from genctl's own output: nothing is exported."
        )
    return f"{(difference > 0).mean():.2g} of the numbers differ, by {difference.max():.2g} at most"


def _examples(part: Part, classes: int) -> dict[str, np.ndarray]:
    """Inputs to compare with: random bytes, normal numbers, every class in turn."""
    generator = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for name, (shape, kind) in part.inputs.items():
        if name == "label":
            arrays[name] = (np.arange(COMPARED) % classes).astype(np.int32)
        elif kind == "uint8":
            arrays[name] = generator.integers(0, 256, (COMPARED, *shape), np.uint8)
        else:
            arrays[name] = generator.normal(size=(COMPARED, *shape)).astype(np.float32)
    return arrays
