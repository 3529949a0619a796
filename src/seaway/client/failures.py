"""Errors of the server as the same classes of `seaway.core.errors`, with their code, place and next step."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from seaway.client.policy import retry_after
from seaway.client.wire import Reply
from seaway.core.errors import (
    BadInput,
    BrokenContract,
    Cell,
    Conflict,
    Denied,
    Malformed,
    NotFound,
    SeawayError,
    Throttled,
    TooLarge,
    Unavailable,
)

T = TypeVar("T")

KINDS: dict[int, type[SeawayError]] = {
    400: BadInput, 401: Denied, 403: Denied, 404: NotFound, 409: Conflict, 413: TooLarge, 414: TooLarge, 431: TooLarge,
}  # fmt: skip


class _Told(msgspec.Struct):
    code: str
    message: str
    path: str = ""
    fix: str = ""
    cells: tuple[Cell, ...] = ()
    count: int = 0


class _Body(msgspec.Struct):
    error: _Told


def failure(reply: Reply, url: str) -> SeawayError:
    """Return the error that a reply tells; what is no Seaway error (a proxy's page) is told by its status."""
    try:
        told = msgspec.json.decode(reply.body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _foreign(reply, url)
    said: dict[str, Any] = {"where": told.path or url, "fix": told.fix, "code": told.code}
    if told.cells or told.code == BrokenContract.code:
        return BrokenContract(told.message, cells=told.cells, count=told.count, **said)
    if reply.status == 429:
        return Throttled(told.message, wait_s=retry_after(reply) or 1.0, **said)
    return _kind(reply.status, told.code)(told.message, **said)


def placed(prediction: T, offset: int) -> T:
    """Return a prediction of one of several requests; what stands for a refused row (`partial`) counts from the first row."""
    if not offset or not isinstance(prediction, dict) or set(prediction) != {"error"}:
        return prediction
    told = msgspec.convert(prediction["error"], _Told)
    cells = [msgspec.structs.replace(cell, row=cell.row + offset) for cell in told.cells]
    where = f"$.rows[{cells[0].row}]" if cells else told.path
    message = told.message.replace(f"Row {told.cells[0].row} ", f"Row {cells[0].row} ", 1) if cells else told.message
    changed = {"message": message, "path": where, "cells": msgspec.to_builtins(cells)}
    prediction["error"] = {**prediction["error"], **changed}
    return prediction


def moved(error: BrokenContract, offset: int) -> BrokenContract:
    """Return the error with its rows counted from the start of what the caller sent in several requests."""
    if not offset:
        return error
    cells = tuple(msgspec.structs.replace(cell, row=cell.row + offset) for cell in error.cells)
    where = f"$.rows[{cells[0].row}]" if cells else error.where
    return BrokenContract(error.what, cells=cells, count=error.count, where=where, fix=error.fix, code=error.code)


def _kind(status: int, code: str) -> type[SeawayError]:
    if code == Malformed.code:
        return Malformed
    if status >= 500:
        return Unavailable
    return KINDS.get(status, BadInput)


def _foreign(reply: Reply, url: str) -> SeawayError:
    what = f"Something that is no Seaway server answered with status {reply.status}"
    fix = "Look at what stands at this address or between here and there."
    if reply.status == 429:
        return Throttled(what, wait_s=retry_after(reply) or 1.0, where=url, fix=fix)
    kind = KINDS.get(reply.status, Unavailable)
    return kind(what, where=url, fix=fix, code="foreign-answer")
