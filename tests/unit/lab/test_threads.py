"""Threads: as many as set, as many as there are cores for 0, and afterwards as before."""

from __future__ import annotations

import os
import threading

import lightgbm
import numpy as np
import pytest
import threadpoolctl

from seaway.core.chance import sleep
from seaway.core.errors import BadInput
from seaway.lab.threads import count, each, limited


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


def test_results_come_in_order_and_threads_are_shared_out() -> None:
    assert each(lambda item, share: (item, share), range(5), 1) == [(item, 1) for item in range(5)]
    assert each(lambda item, share: (item, share), range(5), 2) == [(item, 1) for item in range(5)]
    assert each(lambda item, share: (item, share), range(2), 8) == [(0, 1), (1, 1)]
    assert each(lambda item, share: (item, share), [7], 8) == [(7, 8)]
    assert each(lambda item, share: item, [], 4) == []


def test_never_more_at_once_than_threads() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(item: int, share: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        sleep(0.02)
        with lock:
            running -= 1

    each(work, range(12), 3)
    assert most == 3


def test_an_error_in_one_ends_the_rest() -> None:
    done = []

    def work(item: int, share: int) -> None:
        if item == 0:
            raise BadInput("no", where="here", fix="try again")
        sleep(0.05)
        done.append(item)

    with pytest.raises(BadInput, match="no"):
        each(work, range(50), 2)
    assert len(done) < 50
