"""Memory-mapped arrays."""

import mmap

import numpy as np


def forget(array: np.ndarray) -> None:
    """Give back the pages of a memory-mapped array that were read: until then they count as this process' memory.

    They stay in the system's cache of the file while there is room. Arrays that are not mapped stay as they are.
    """
    pages = getattr(array, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
