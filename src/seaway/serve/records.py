"""What the log keeps of a request: the event of an answer, and the event of an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from seaway.core import chance
from seaway.core.errors import BrokenContract, SeawayError
from seaway.core.event import Arm, Prediction
from seaway.serve import http
from seaway.serve.answering import Answer
from seaway.serve.releases import Loaded, Serving

Part = tuple[Loaded, Arm]
"""A release and the arm it answered as."""


def answered(
    serving: Serving, answer: Answer, principal: str, started: float, sequence: int, request_id: str = ""
) -> Prediction:
    """Return the event of an answer, to be appended next: without a given request id it gets the id of that place."""
    request = answer.taken.request
    ids: Sequence[Any] = request.ids
    if answer.refused and ids:
        accepted = iter(ids)
        total = len(ids) + len(answer.refused)
        ids = [{} if case in answer.refused else next(accepted) for case in range(total)]
    return Prediction(
        sequence=sequence,
        request_id=request_id or serving.log.next_id(),
        model=serving.model,
        release=answer.taken.loaded.digest,
        arm=answer.taken.arm,
        principal=principal,
        rows=answer.rows,
        options=http.encode(request.options) if request.options else b"{}",
        ids=tuple(dict(one) for one in ids),
        answers=answer.sent,
        seen=0,
        took_us=int((chance.monotonic() - started) * 1e6),
        kept=answer.kept,
        client_id=request.request_id,
    )


def failed(
    serving: Serving,
    part: Part,
    principal: str,
    error: SeawayError,
    started: float,
    sequence: int,
    request_id: str = "",
) -> Prediction:
    """Return the event of an error, to be appended next; values of columns that are not logged are left out."""
    loaded, arm = part
    if isinstance(error, BrokenContract):
        error = masked(error, loaded)
    return Prediction(
        sequence=sequence,
        request_id=request_id or serving.log.next_id(),
        model=serving.model,
        release=loaded.digest,
        arm=arm,
        principal=principal,
        rows=b"",
        options=b"{}",
        ids=(),
        answers=http.error_body(error),
        seen=0,
        took_us=int((chance.monotonic() - started) * 1e6),
        kept=0.0,
        status=http.status_of(error),
    )


def masked(error: BrokenContract, loaded: Loaded) -> BrokenContract:
    """Leave out the values of columns that the contract does not log as they are; the message quotes one of them too.

    A column that the contract does not know may hold anything, so its value is left out as well.
    """
    hidden = [cell.column in loaded.unlogged or cell.column not in loaded.contract.by_name for cell in error.cells]
    if not any(hidden):
        return error
    cells = tuple(
        msgspec.structs.replace(cell, value="") if hide else cell
        for cell, hide in zip(error.cells, hidden, strict=True)
    )
    return BrokenContract(
        f"{error.count} cells break the contract",
        cells=cells,
        count=error.count,
        where=error.where,
        fix=error.fix,
        code=error.code,
    )
