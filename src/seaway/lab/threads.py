"""One thread per core for whatever computes, and never more.

BLAS gets one thread: the matrices here are narrow, several threads only wait for one another (measured on a busy machine:
twenty times slower), and one adds in the same order on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from seaway.core.optional import need


def count(threads: int) -> int:
    """Return the threads to use: as set, or for 0 one for each core this process may use."""
    return threads if threads > 0 else len(os.sched_getaffinity(0))


@contextmanager
def limited(threads: int) -> Iterator[int]:
    """Hold OpenMP to the threads to use, whose number is yielded, and BLAS to one; afterwards they are as before."""
    held = count(threads)
    control = need("threadpoolctl", extra="lab", why="lab/threads.py")
    with control.threadpool_limits(limits={"openmp": held, "blas": 1}):
        yield held
