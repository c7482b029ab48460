"""Which of many hashes differ in few bits, without comparing each with each (Norouzi et al. 2012)."""

from collections.abc import Iterator

import numpy as np

MOST_BITS = 7  # of 64, in which two hashes may differ
_BITS, _BANDS = 16, 4
_CROWD = 128  # hashes in a bucket that others are compared with: in a film of one scene all share one
_AT_ONCE = 2**20  # pairs


def near(hashes: np.ndarray, others: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places i < j, some at a time, where hashes[i] and others[j] differ in at most MOST_BITS bits; some come twice.

    hashes, others: (n,) uint64. wanted: (n,) bool: the j to look for, which the caller may make fewer in between.
    Where two differ in so few bits, one of the bands of 16 bits differs in one bit at most: so each is looked up in a
    table of every band, as it is and with each bit changed.
    """
    for band in range(_BANDS):
        keys, asked = (_band(array, band) for array in (hashes, others))
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], np.arange(2**_BITS + 1))
        for change in (0, *(1 << bit for bit in range(_BITS))):
            asking = np.flatnonzero(wanted)
            for within, who in _in_buckets(starts, asked[asking] ^ change):
                i, j = order[within], asking[who]
                few = (np.bitwise_count(hashes[i] ^ others[j]) <= MOST_BITS) & (i < j)
                yield i[few], j[few]


def _band(hashes: np.ndarray, band: int) -> np.ndarray:
    return ((hashes >> np.uint64(_BITS * band)) & np.uint64(2**_BITS - 1)).astype(np.int64)


def _in_buckets(starts: np.ndarray, keys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each key the places of its bucket, starts[key] to starts[key + 1]; and, as long, the place of the key."""
    counts = np.minimum(starts[keys + 1] - starts[keys], _CROWD)
    ends = np.cumsum(counts)
    first = 0
    while first < len(keys):
        before = ends[first] - counts[first]
        last = max(first + 1, int(np.searchsorted(ends, before + _AT_ONCE)))
        who = np.repeat(np.arange(first, last), counts[first:last])
        yield starts[keys[who]] + np.arange(before, ends[last - 1]) - (ends - counts)[who], who
        first = last
