"""Does what a model is sure of come true as often as it says? Probabilities by equal-count bins, intervals by how far ahead.

Reliability: Niculescu-Mizil & Caruana 2005. Coverage: Gneiting & Raftery 2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seaway.core.batch import Outcomes
from seaway.core.contract import LEVELS, Contract

BINS, PARTS = 10, 6


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


def coverage(outcomes: Outcomes, contract: Contract, parts: int = PARTS) -> dict[str, Any] | None:
    """Return how often the truth lay between the outermost quantiles, in all and by how far ahead; None without quantiles."""
    named = next((output.name for output in contract.outputs if output.axes == ("step", "level")), "")
    quantiles = outcomes.answer.get(named)
    if quantiles is None or outcomes.truth is None:
        return None
    told = ~np.isnan(outcomes.truth) & ~np.isnan(quantiles).any(axis=1)
    if not told.any():
        return None
    truth, held = outcomes.truth[told], quantiles[told]
    inside, step = (held[:, 0] <= truth) & (truth <= held[:, -1]), outcomes.step[told]
    groups = [group for group in np.array_split(np.unique(step), parts) if len(group)]
    return {
        "stated": round(LEVELS[-1] - LEVELS[0], 6),
        "came_true": float(inside.mean()),
        "values": int(told.sum()),
        "steps": [
            {
                "steps": f"{group[0]}-{group[-1]}" if len(group) > 1 else f"{group[0]}",
                "came_true": float(inside[np.isin(step, group)].mean()),
                "values": int(np.isin(step, group).sum()),
            }
            for group in groups
        ],
    }
