"""LightGBM as Seaway drives it: the same trees every time, boosted until the loss on other rows has stopped falling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.core.chance import monotonic
from seaway.core.optional import need

ROUNDS = 2000
"""Most rounds ever boosted; early stopping ends far sooner on rows worth learning from."""

ROWS_PER_THREAD = 10_000
"""Rows below which another thread costs more than it brings, as measured."""


def library(why: str) -> Any:
    """Return LightGBM; `why` names the file that needs it.

    Its threads wait for one another after each step, by default spinning, which on a machine with other work to do makes
    two threads many times slower than one. Sleeping is as fast on an idle machine; the setting is read on loading.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return need("lightgbm", extra="lab", why=why)


def fixed(threads: int, rows: int, seed: int) -> dict[str, Any]:
    """Return the parameters that make the same trees of the same rows every time, however many threads grow them."""
    return {
        "feature_pre_filter": False,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": max(1, min(threads, rows // ROWS_PER_THREAD)),
        "seed": seed,
        "verbosity": -1,
    }


def boost(booster: Any, rounds: int, patience: int, watched: bool, until: float) -> int:
    """Add trees; return the number of rounds that count: with `watched` those up to the lowest loss on other rows."""
    best, lowest = 1, np.inf
    for done in range(1, rounds + 1):
        finished = booster.update()
        if watched:
            loss = booster.eval_valid()[0][2]
            if loss < lowest:
                best, lowest = done, loss
            if done - best >= patience:
                break
        else:
            best = done
        if finished or monotonic() >= until:
            break
    return best


def patience(learning_rate: float) -> int:
    """Return how many rounds without a gain end the boosting: the smaller the steps, the more."""
    return int(np.clip(3 / learning_rate, 25, 150))


def raw_scores(booster: Any, x: Array) -> Array:
    """Return the raw scores of rows (rows,) or (rows, targets) by the library itself."""
    if not len(x):
        return np.zeros(0)
    # LightGBM holds one number of threads for the whole process: left out, this call would change it under the feet of
    # a fit in another thread, which then writes beyond its buffers.
    return np.asarray(booster.predict(x, raw_score=True, num_threads=1))


def gain(booster: Any) -> Array:
    """Return the share of the loss that splits on each feature took away (features,)."""
    found = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    return found / found.sum() if found.sum() > 0 else found


def searched(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are LightGBM's own: neither the rounds nor the threads."""
    return {name: value for name, value in params.items() if name not in ("rounds", "threads")}
