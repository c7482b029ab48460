"""Names that a config may choose from: the keys of a table, as the type of an argument."""

from collections.abc import Iterable
from typing import Any

from pydantic import AfterValidator

from genctl.errors import did_you_mean


def one_of(names: Iterable[str]) -> Any:
    """A validator for `Annotated[str, one_of(TABLE)]` that refuses other names and guesses what was meant."""
    known = list(names)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"should be one of {', '.join(known)}.{did_you_mean(name, known)}".rstrip("."))
        return name

    return AfterValidator(check)
