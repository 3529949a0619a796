"""One thread per core for whatever computes, and never more: libraries are told one by one, and so is BLAS under numpy."""

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
    """Hold OpenMP and BLAS to the threads to use, whose number is yielded; afterwards they are as before."""
    held = count(threads)
    # Threads that wait by spinning take the core from whoever has work: beside a busy server two threads were 10 times
    # slower than one. It has to stand in the environment before the libraries load.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    control = need("threadpoolctl", extra="lab", why="lab/threads.py")
    with control.threadpool_limits(limits=held):
        yield held
