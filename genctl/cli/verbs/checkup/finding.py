"""What `genctl doctor` finds of one thing."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """A line. seen: what is there. cure: what to do, where it is not well. needed: genctl does not work without it."""

    name: str
    seen: str
    cure: str | None = None
    needed: bool = True

    @property
    def failed(self) -> bool:
        """Whether something must be done before genctl works."""
        return self.needed and self.cure is not None

    def __str__(self) -> str:
        state = "ok" if self.cure is None else "FAILED" if self.needed else "absent"
        return f"{state:<7} {self.name:<16} {self.seen}{f': {self.cure}' if self.cure else ''}"
