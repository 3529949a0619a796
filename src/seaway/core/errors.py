"""Errors people can act on: each says what is wrong, where, and what to do next.

`code` is stable (clients match on it, `serve/http.py` maps it to a status); `exit` is the command line's exit code.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class SeawayError(Exception):
    """The root of every error Seaway raises on purpose."""

    code: str = "failed"
    exit: ClassVar[int] = 3

    def __init__(self, what: str, *, where: str = "", fix: str = "", code: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        if code:
            self.code = code
        super().__init__(what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        remedy = f"\n  what to do: {self.fix}" if self.fix else ""
        return f"{self.what}{place}{remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.fix, self.code)


def _rebuild(kind: type[SeawayError], what: str, where: str, fix: str, code: str) -> SeawayError:
    return kind(what, where=where, fix=fix, code=code)


class BadInput(SeawayError):
    """Wrong usage, or data that cannot be read."""

    code = "bad-input"
    exit = 2


class NotFound(BadInput):
    """A name that is looked up is not there."""

    code = "not-found"


class Malformed(BadInput):
    """Bytes that are not what they claim to be (JSON, CSV, a record)."""

    code = "malformed"


class TooLarge(BadInput):
    """More than a stated limit allows."""

    code = "too-large"


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One broken cell of a row: `row` counts from 0 in the request or file."""

    row: int
    column: str
    value: str
    rule: str
    fix: str


class BrokenContract(BadInput):
    """Rows that break the contract; `cells` lists the broken cells up to a cap, `count` counts them all."""

    code = "broken-contract"

    def __init__(
        self,
        what: str,
        *,
        cells: tuple[Cell, ...],
        count: int = 0,
        where: str = "",
        fix: str = "",
        code: str = "",
    ) -> None:
        super().__init__(what, where=where, fix=fix, code=code)
        self.cells = cells
        self.count = count or len(cells)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_broken, (self.what, self.cells, self.count, self.where, self.fix, self.code)


def _rebuild_broken(what: str, cells: tuple[Cell, ...], count: int, where: str, fix: str, code: str) -> BrokenContract:
    return BrokenContract(what, cells=cells, count=count, where=where, fix=fix, code=code)


class Refused(SeawayError):
    """A check, gate or verification said no."""

    code = "refused"
    exit = 1


class Untrusted(Refused):
    """A bundle or message whose signature, digest or form does not hold."""

    code = "untrusted"


class InexactExport(Refused):
    """A model that cannot be turned into a program with the same answers."""

    code = "inexact-export"


class Denied(Refused):
    """The caller has no right to the operation."""

    code = "denied"


class Throttled(Denied):
    """The caller asks too often; `wait_s` seconds from now it may ask again."""

    code = "too-many-requests"

    def __init__(self, what: str, *, wait_s: float = 1.0, where: str = "", fix: str = "", code: str = "") -> None:
        super().__init__(what, where=where, fix=fix, code=code)
        self.wait_s = wait_s

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_throttled, (self.what, self.wait_s, self.where, self.fix, self.code)


def _rebuild_throttled(what: str, wait_s: float, where: str, fix: str, code: str) -> Throttled:
    return Throttled(what, wait_s=wait_s, where=where, fix=fix, code=code)


class Conflict(SeawayError):
    """The state moved under the caller's feet; reading again and retrying is safe."""

    code = "conflict"
    exit = 1


class Unavailable(SeawayError):
    """A resource failed: disk, port, database, process, or time."""

    code = "unavailable"


class MissingExtra(Unavailable):
    """An optional library is not installed."""

    code = "missing-extra"
