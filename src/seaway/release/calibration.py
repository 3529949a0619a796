"""Does a stated probability come true as often as it says? Reliability by equal-count bins (Niculescu-Mizil & Caruana 2005)."""

from __future__ import annotations

from typing import Any

import numpy as np

from seaway.core.batch import Outcomes
from seaway.core.contract import Contract

BINS = 10


def reliability(outcomes: Outcomes, contract: Contract, bins: int = BINS) -> dict[str, Any] | None:
    """Return the bins and the expected calibration error; None where nothing is a probability.

    Two classes: the probability of the second class beside how often it came true. More: the probability of the answered
    class beside how often it was right. `error` is the mean gap, weighted by the cases of a bin (Guo et al. 2017).
    """
    p = outcomes.answer.get("probabilities")
    if p is None or outcomes.truth is None or not contract.classes:
        return None
    known = ~np.isnan(outcomes.truth)
    if not known.any():
        return None
    p, truth = p[known], outcomes.truth[known].astype(np.int64)
    is_binary = p.shape[1] == 2
    chosen = np.ones(len(p), dtype=np.int64) if is_binary else p.argmax(axis=1)
    stated = p[np.arange(len(p)), chosen]
    came_true = (truth == chosen).astype(np.float64)
    parts = [part for part in np.array_split(np.argsort(stated, kind="stable"), min(bins, len(stated))) if len(part)]
    rows = [
        {"stated": float(stated[part].mean()), "came_true": float(came_true[part].mean()), "cases": len(part)}
        for part in parts
    ]
    gaps = [abs(row["stated"] - row["came_true"]) * row["cases"] for row in rows]
    return {
        "about": contract.classes[1] if is_binary else "the answered class",
        "error": float(sum(gaps) / len(stated)),
        "bins": rows,
    }
