"""Explanations as callers read them: base + attributions = margin, exactly as the program answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.answer import Answerer
from seaway.core.batch import Array, Json, Request
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.core.verdict import Verdict

UNEXPLAINED = "not-explainable"

REASONS = 4
"""Reasons named per answer: more than four are not likely helpful (Reg. B, comment 9(b)(2)-1)."""


def explained(answerer: Answerer, request: Request) -> list[dict[str, Json]] | dict[str, Json]:
    """Explain every case of a request beside its answer, or say once why this program cannot be explained."""
    try:
        return explanations(answerer, request)
    except BadInput as error:
        if error.code != UNEXPLAINED:
            raise
        return {"outcome": "not-applicable", "message": error.what, "fix": error.fix}


def explanations(answerer: Answerer, request: Request) -> list[dict[str, Json]]:
    """Explain every case of a request; raises `BadInput` (code `UNEXPLAINED`) where the program cannot be explained.

    `margin` is the log-odds of the second of two classes (`of` names it), the unnormalised log-probability of the answered
    class among several, or the value itself (without its link). `attributions` are by column; `reasons` are the columns
    that moved it most, largest first.
    """
    batch, reasons = answerer.explain(request)
    if isinstance(reasons, Verdict):
        raise BadInput(reasons.message, where="$", fix=reasons.fix, code=UNEXPLAINED)
    owners = columns_of(answerer.contract)
    classes = answerer.contract.classes
    found: list[dict[str, Json]] = []
    for case in range(batch.cases):
        of = int(reasons.margin[case].argmax()) if reasons.margin.shape[1] > 1 else 0
        attributions = _by_column(reasons.attributions[case, :, of], owners)
        told: dict[str, Json] = {"of": classes[of if len(classes) > 2 else 1]} if classes else {}
        told |= {
            "base": float(reasons.base[case, of]),
            "attributions": attributions,
            "margin": float(reasons.margin[case, of]),
            "reasons": _reasons(attributions, request.rows[case] if len(request.rows) == batch.cases else {}),
        }
        found.append(told)
    return found


def columns_of(contract: Contract) -> Sequence[str]:
    """Return the column that each place of the matrix belongs to."""
    return [column.name for column in contract.columns for _ in column.encoded]


def _by_column(values: Array, owners: Sequence[str]) -> dict[str, float]:
    """Add up the places of one column: the parts of a time."""
    summed: dict[str, float] = {}
    for owner, value in zip(owners, values.tolist(), strict=True):
        summed[owner] = summed.get(owner, 0.0) + value
    return summed


def _reasons(attributions: dict[str, float], row: Json) -> list[dict[str, Json]]:
    names = list(attributions)
    order = np.argsort([-abs(attributions[name]) for name in names], kind="stable")
    return [
        {"column": names[place], "value": row.get(names[place]), "attribution": attributions[names[place]]}
        for place in order[:REASONS]
        if attributions[names[place]] != 0.0
    ]
