"""Whether there is room for what is to be read."""

import psutil

from genctl.errors import UserError

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB")


def amount(count: int) -> str:
    """A number of bytes in words, such as "1.5 GiB"; of any size, since files may name numbers beyond all sense."""
    power = max(0, count.bit_length() - 1) // 10
    if power >= len(_UNITS):
        return "more than 1,024 ZiB"
    return f"{count / 2 ** (10 * power):.{min(power, 1)}f} {_UNITS[power]}"


def require_memory(what: str, count: int, cure: str) -> None:
    """Refuse what takes more bytes than the memory that is free. Raises UserError.

    what: the thing, as the start of a sentence. cure: what to do, as its end.
    """
    free = psutil.virtual_memory().available
    if count > free:
        raise UserError(f"{what} takes {amount(count)}, but {amount(free)} of memory are free: {cure}")
