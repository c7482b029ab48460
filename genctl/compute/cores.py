"""How much of the processor this process may use."""

import os


def cores() -> int:
    """Cores that this process may run on, which a cluster or a container may have limited."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
