"""One thread per core for whatever computes, and never more.

Independent fits (folds, members) run side by side in one thread each: that scales better than many threads in one fit and
adds in the same order on every machine. A fit that runs alone may use them all. BLAS gets one thread, since the matrices
here are narrow. Threads waiting for one another burn time when the machine is busy: measured, two threads in one fit of
5,000 rows took up to fifty times longer than one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from seaway.core.optional import need

Item = TypeVar("Item")
Made = TypeVar("Made")


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


def workers(items: int, threads: int) -> int:
    """Return how many of so many fits run at once."""
    return max(1, min(items, threads))


def each(function: Callable[[Item, int], Made], items: Sequence[Item], threads: int) -> list[Made]:
    """Return `function(item, threads for it)` of every item in order, as many at once as there are threads.

    What runs beside others gets one thread, always: some libraries hold their number of threads for the whole process, and
    corrupt memory where calls that differ in it overlap (LightGBM 4.7, seen as crashes). The work must release the
    interpreter's lock, as training libraries do. An interrupt waits for what is running.
    """
    at_once = workers(len(items), threads)
    if at_once == 1:
        return [function(item, threads) for item in items]
    with ThreadPoolExecutor(at_once) as pool:
        try:
            return list(pool.map(lambda item: function(item, 1), items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
