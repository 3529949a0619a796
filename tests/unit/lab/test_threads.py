"""Threads: as many as set, as many as there are cores for 0, and afterwards as before."""

from __future__ import annotations

import os

import lightgbm
import numpy as np
import threadpoolctl

from seaway.lab.threads import count, limited


def used(kind: str) -> set[int]:
    """Return the threads of every pool of a kind in this process."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return {int(pool["num_threads"]) for pool in threadpoolctl.threadpool_info() if pool["user_api"] == kind}


def test_zero_is_one_for_each_core_this_process_may_use() -> None:
    assert count(0) == len(os.sched_getaffinity(0))
    assert count(3) == 3


def test_pools_are_held_and_given_back() -> None:
    assert lightgbm.__version__  # its OpenMP pool is there once it is loaded
    before = used("blas"), used("openmp")
    with limited(3) as held:
        assert held == 3
        assert used("blas") == {1}
        assert used("openmp") == {3}
    assert (used("blas"), used("openmp")) == before
