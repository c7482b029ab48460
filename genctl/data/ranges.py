"""What the numbers of images mean: which is black, which is white.

One rule reads every data set and everything that a verb is given. The low end becomes -1, the high end 1.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field, FiniteFloat

from genctl.errors import UserError

Range = tuple[float, float]
GivenRange = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]  # [low, high], of dataset.range

BYTES: Range = (0.0, 255.0)
_UNIT: tuple[Range, ...] = ((0.0, 1.0), (-1.0, 1.0))
_WIDE = {2.0**bits - 1 for bits in range(9, 17)}  # the largest numbers of integers of more than 8 bits
_FEW, _SOME = 15, 63  # the largest of masks and class numbers, not of photographs; the second where there are zeros
_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What is known of an array's numbers: the least and the most that occur, their type, whether all are whole."""

    least: float
    most: float
    dtype: np.dtype
    whole: bool

    @classmethod
    def of(cls, array: np.ndarray) -> "Numbers":
        """Look at all numbers of an array, which may lie on disk."""
        least, most = float(array.min()), float(array.max())
        whole = array.dtype.kind != "f" or all(bool((part == np.trunc(part)).all()) for part in chunks(array))
        return cls(least, most, array.dtype, whole)

    def within(self, ends: Range) -> bool:
        """Whether all of them lie in a range."""
        return ends[0] <= self.least and self.most <= ends[1]


class Known(NamedTuple):
    """The range and the type of data that others belong to.

    strict: others are refused where two ranges differ of which one is not usual, but only what happened to occur.
    """

    ends: Range
    dtype: np.dtype
    strict: bool = False


def natural(numbers: Numbers) -> Range:
    """The range that numbers of such a type and such values are taken to have.

    bool: 0 and 1. Fractions: [0, 1], [-1, 1] or, from 0 to between 128 and 255, bytes. Whole numbers from 0: to the
    largest where there are few levels, as in masks; else the range of bytes, or, of integers, of as many bits as they
    need up to 16. All else: what occurs.
    """
    least, most = numbers.least, numbers.most
    if numbers.dtype.kind == "b":
        return 0.0, 1.0
    if numbers.dtype.kind == "f":
        for ends in _UNIT:
            if numbers.within(ends):
                return ends
    if least < 0 or most >= 2**16 or not (numbers.whole or 128 <= most <= BYTES[1]):
        return least, most
    if most <= _FEW or (most <= _SOME and least == 0):
        return 0.0, max(1.0, most)
    if most <= BYTES[1]:
        return BYTES
    return (least, most) if numbers.dtype.kind == "f" else (0.0, 2.0 ** int(most).bit_length() - 1)


def beside(numbers: Numbers, known: Known) -> Range:
    """The range of numbers that belong to data of a known range and type: the same, unless they speak against it.

    They do where their type cannot hold that range, where they leave it and are of another type or have a usual range,
    and where fractions in [0, 1] or [-1, 1] come beside bytes or other whole numbers.
    """
    own, (ends, dtype, _) = natural(numbers), known
    fractions = numbers.dtype.kind == "f" and own in _UNIT and (dtype.kind != "f" or ends == BYTES)
    if numbers.within(ends) and _holds(numbers.dtype, ends) and not fractions:
        return ends
    alike = numbers.dtype == dtype or (numbers.dtype.kind, dtype.kind) == ("f", "f")
    return ends if alike and own not in (*_UNIT, BYTES) else own


def agreed(parts: Sequence[Numbers]) -> list[Range]:
    """The range of each part of a data set: the first one's for all that belong to it, which they may widen."""
    first = parts[0]
    known = Known(natural(first), first.dtype)
    same = [part for part in parts if beside(part, known) == known.ends]
    least, most = min(part.least for part in same), max(part.most for part in same)
    whole = known._replace(ends=natural(Numbers(least, most, first.dtype, all(part.whole for part in same))))
    return [whole.ends if part in same else beside(part, whole) for part in parts]


def found_range(name: str, parts: Sequence[Numbers], given: Range | None, known: Known | None) -> list[Range]:
    """The range of each part of a data set: as it was given, as that of data it belongs to, or by its own numbers.

    Raises UserError, beginning with `name`, where float32 cannot hold the width of one.
    """
    if given is not None:
        return [given] * len(parts)
    ends = agreed(parts) if known is None else [beside(part, known) for part in parts]
    if known is not None and known.strict:
        _check_usual(ends, known.ends)
    return [(low, float(above(name, np.asarray(low), np.asarray(high)))) for low, high in ends]


def _check_usual(ranges: Sequence[Range], known: Range) -> None:
    """Raise UserError for numbers whose range is another one, unless both are what numbers have by convention."""
    for ends in ranges:
        if ends != known and not all(_is_usual(pair) for pair in (ends, known)):
            spans = [f"from {low:g} to {high:g}" for low, high in (ends, known)]
            raise UserError(
                f"its images are numbers {spans[0]}, and those beside them {spans[1]}, and what is black there is "
                "not known: save both as bytes (uint8), or with an array `range` of [low, high]."
            )


def _is_usual(ends: Range) -> bool:
    return ends in (*_UNIT, BYTES) or (ends[0] == 0 and (ends[1] <= _SOME or ends[1] in _WIDE))


def above(name: str, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return `high`, or a value above `low` that float32 can tell from it where the two are equal or nearly so.

    Raises UserError, beginning with `name`, where float32 cannot hold the width between them.
    """
    with np.errstate(over="ignore"):
        width = np.subtract(high, low, dtype=np.float32)
    if not np.isfinite(width).all():
        wide = np.flatnonzero(~np.isfinite(width))[0]
        raise UserError(
            f"{name} range from {low.flat[wide]:g} to {high.flat[wide]:g}, which float32 cannot hold: scale them."
        )
    return np.where(width >= np.finfo(np.float32).tiny, high, low + np.maximum(1.0, np.abs(low) * 1e-6))


def described(numbers: Numbers, ends: Range, setting: str = "", known: Known | None = None) -> str:
    """One line that says how numbers are read.

    setting: what said so, where something did. known: of the data that they belong to.
    """
    text = f"values {numbers.least:g} to {numbers.most:g} of {numbers.dtype} are read as {ends[0]:g} to {ends[1]:g}"
    if setting:
        text += f", as {setting} says"
    if known is not None and known.ends != ends:
        text += f", beside the {known.ends[0]:g} to {known.ends[1]:g} of {known.dtype} that they belong to"
    if not numbers.within(ends):
        return f"{text}; those outside are clipped"
    unused = 1 - (numbers.most - numbers.least) / (ends[1] - ends[0])
    if setting or known is not None:
        return text
    if unused <= 0.5 or numbers.least == numbers.most:
        return f"{text}; dataset.range=[low,high] sets another"
    whole = f"dataset.range=[{numbers.least:g},{numbers.most:g}]"
    return f"{text}: {unused:.0%} of the range is unused; {whole} would use all of it"


def checked(ends: Sequence[float], setting: str) -> Range:
    """A range that a user gave. Raises UserError where it is none."""
    low, high = map(float, ends)
    if not low < high:
        raise UserError(f"{setting}=[{low:g},{high:g}]: the first number is black, the second white and larger.")
    above(f"{setting}: its numbers", np.asarray(low), np.asarray(high))
    return low, high


def _holds(dtype: np.dtype, ends: Range) -> bool:
    """Whether numbers of a type can be as large and as small as a range."""
    if dtype.kind == "b":
        return ends == (0.0, 1.0)
    return dtype.kind == "f" or (np.iinfo(dtype).min <= ends[0] and ends[1] <= np.iinfo(dtype).max)


def chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of an array of a limited size, which may lie on disk."""
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    return (array[start : start + rows] for start in range(0, len(array), rows))
