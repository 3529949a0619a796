"""What the models share: how many segments may be looked for, and when there is anything to look at."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from seaway.core.batch import Sample
from seaway.core.contract import Contract
from seaway.core.optional import need
from seaway.core.protocols import Range
from seaway.core.verdict import Verdict

MOST = 12
ROWS_EACH = 10
"""Rows a segment should have at least, on average."""


def segments(train: Sample, default: int) -> Range:
    """Return how many segments may be looked for; each model begins with a number of its own, so that few trials see several."""
    high = max(2, min(MOST, train.batch.rows // ROWS_EACH))
    return Range(default=min(default, high), low=2, high=high, integer=True)


def takes(model: str, code: str, contract: Contract) -> Verdict:
    """Say whether there is anything for a model to tell rows apart by."""
    if contract.encoded:
        message = f"{len(contract.encoded)} columns to tell rows apart by"
        return Verdict(code=code, outcome="pass", subject=model, message=message)
    return Verdict(
        code=code,
        outcome="fail",
        subject=model,
        message="No column is fed to the model",
        fix="Give the contract at least one feature.",
    )


def one_thread() -> AbstractContextManager[Any]:
    """Hold the libraries to one thread: sums over threads come in any order, and the same seed must give the same bits."""
    control = need("threadpoolctl", extra="lab", why="tasks/segment/space.py")
    held: AbstractContextManager[Any] = control.threadpool_limits(limits=1)
    return held
