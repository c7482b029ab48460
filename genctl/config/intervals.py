"""Ranges of the numbers in a config: what compiled code can hold, as int64 and as float32, and what can be of use."""

from typing import Annotated

from pydantic import AfterValidator, Field

MOST_STEPS = 10**12  # thirty thousand years at one a second
LEAST, MOST = 1e-30, 1e30  # of an amount; float32 ends some powers of ten further, which products of them need


def _held(value: float) -> float:
    if value > MOST or 0 < value < LEAST:
        raise ValueError(f"should lie between {LEAST} and {MOST}, within what float32 can compute with")
    return value


Steps = Annotated[int, Field(ge=0, le=MOST_STEPS)]
PositiveSteps = Annotated[int, Field(gt=0, le=MOST_STEPS)]
Amount = Annotated[float, Field(ge=0), AfterValidator(_held)]
PositiveAmount = Annotated[float, Field(gt=0), AfterValidator(_held)]
Width = Annotated[int, Field(gt=0, lt=2**31)]  # of a code, or of a layer: TensorFlow counts many things in int32
