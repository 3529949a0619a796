"""Late ground truth: each label is held to the contract's truth, joined by request id and row, or by id (and moment).

What came true of a series is about one moment of it, so that such a label names `at` in either case.

A request id that Seaway made names its worker and segment: a label is taken if the log holds that segment, or held it before
the oldest one that is left. A caller's own id is replaced by Seaway's where the answer is still known, and is taken as it is
otherwise, since labels come late: the monitor joins it, or counts it as unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import canonical, chance, event, segment
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.durable import disk, make_folder
from seaway.core.errors import BadInput, BrokenContract, Cell, Unavailable
from seaway.core.event import Label
from seaway.data.encode import truth
from seaway.data.encode.clock import Clock
from seaway.serve.http import cell
from seaway.serve.segments import OpenSegment, free_worker, mend, next_number, of_folder

CELLS = 100
"""So many broken labels are listed; all are counted."""

LAST_ROW = 2**31 - 1
"""No request has more predictions; what is beyond could not be logged."""

FIRST_WRITER, WRITERS = 65_000, 500
"""Worker numbers of processes that write labels without serving."""


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One label as a caller sends it."""

    value: Any
    request_id: str = ""
    row: int = 0
    id: str | int | dict[str, str | int] | None = None
    at: str = ""
    time: str = ""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Labels that may be logged, and what is wrong with the others; `unknown` counts those about no known request."""

    labels: list[Label]
    cells: tuple[Cell, ...]
    refused: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """How many labels were taken in, and which were refused."""

    taken: int
    refused: int
    cells: tuple[Cell, ...]


class Checker:
    """Holds labels of one model to its contract and its log."""

    def __init__(
        self,
        contract: Contract,
        model: str,
        folder: Path,
        *,
        clock: chance.Clock,
        resolve: Callable[[str], str] = lambda client_id: client_id,
        reads_texts: bool = False,
    ) -> None:
        if contract.truth is None:
            raise _no_truth(model)
        self._value = truth.reader(contract)
        self._moments = Clock(contract) if contract.series is not None else None
        self._contract, self._model, self._clock, self._resolve = contract, model, clock, resolve
        self._reads_texts = reads_texts
        parts = of_folder(folder)
        self._segments = {(worker, number) for worker, number, _ in parts}
        self._oldest = min((number for _, number, _ in parts), default=0)
        self._ids = [column.name for column in contract.having("id")]

    def check(self, records: Sequence[Any], principal: str) -> Checked:
        """Check every label; rows of the cells count from 0 in the list."""
        labels: list[Label] = []
        cells: list[Cell] = []
        refused = unknown = 0
        for number, record in enumerate(records):
            try:
                labels.append(self._label(number, record, principal))
            except _Wrong as wrong:
                refused += 1
                unknown += wrong.cell.rule == "unknown-request"
                if len(cells) < CELLS:
                    cells.append(wrong.cell)
        return Checked(labels=labels, cells=tuple(cells), refused=refused, unknown=unknown)

    def _label(self, number: int, record: Any, principal: str) -> Label:
        try:
            given = msgspec.convert(record, Given, strict=not self._reads_texts)
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at `")
            column = place.strip("$.`") or "label"
            fix = f"Send value with {self._keys}; time is when the value became known."
            raise _Wrong(cell(number, column, what.replace("`", "'"), "form", fix)) from None
        label_id, at = self._id(number, given), self._at(number, given)
        return Label(
            sequence=self._clock.next(),
            model=self._model,
            principal=principal,
            value=self._truth(number, given.value),
            known=self._moment(number, "time", given.time) or chance.stamp(),
            request_id=self._request(number, given),
            row=given.row,
            id=label_id,
            at=at,
        )

    def _truth(self, number: int, value: Json) -> str | float:
        if self._reads_texts and isinstance(value, str) and not self._contract.classes:
            value = _number(value)
        try:
            read = self._value(value)
        except BrokenContract as error:
            raise _Wrong(cell(number, "value", str(value), error.cells[0].rule, error.fix)) from None
        return self._contract.classes[int(read)] if self._contract.classes else read

    def _request(self, number: int, given: Given) -> str:
        if not given.request_id:
            return ""
        place = segment.place_of(given.request_id)
        if place is None:
            return self._resolve(given.request_id)
        is_compacted = self._segments and place.segment < self._oldest
        if (place.worker, place.segment) not in self._segments and not is_compacted:
            fix = "Send the request_id exactly as it was answered."
            raise _Wrong(cell(number, "request_id", given.request_id, "unknown-request", fix))
        return given.request_id

    def _id(self, number: int, given: Given) -> str:
        is_named = given.id is not None or (self._is_one_series and not given.request_id)
        if bool(given.request_id) == is_named or not 0 <= given.row <= LAST_ROW:
            fix = f"Send either {self._keys}."
            raise _Wrong(cell(number, "request_id", given.request_id or str(given.id), "one-key", fix))
        if given.id is None:
            return ""
        if not isinstance(given.id, dict):
            if len(self._ids) > 1 or (self._contract.series is not None and not self._ids):
                fix = (
                    f"Send an object with {', '.join(self._ids)}."
                    if self._ids
                    else "Leave it out: there is one series."
                )
                raise _Wrong(cell(number, "id", str(given.id), "id", fix))
            return str(given.id)
        names = self._ids or ([] if self._contract.series is not None else ["id"])
        if set(given.id) != set(names) or not names:
            fix = f"The ids of this model are: {', '.join(names) or 'none'}."
            raise _Wrong(cell(number, "id", str(given.id), "id", fix))
        texts = {name: str(value) for name, value in given.id.items()}
        return next(iter(texts.values())) if len(texts) == 1 else canonical.encode(texts).decode()

    @property
    def _keys(self) -> str:
        """Say what names the case of a label, for the remedies of errors."""
        if self._contract.series is None:
            return "request_id with row (from 0), or id (and at)"
        return f"request_id with row (from 0) and at, or {'at alone' if self._is_one_series else 'id with at'}"

    @property
    def _is_one_series(self) -> bool:
        return self._contract.series is not None and not self._ids

    def _at(self, number: int, given: Given) -> str:
        """Return the moment a label is about: of a series as its predictions show it, otherwise as the caller wrote it."""
        if self._moments is None:
            self._moment(number, "at", given.at)
            return given.at
        if not given.at:
            fix = "Send `at`, one of the moments that the prediction lists under `at`."
            raise _Wrong(cell(number, "at", "", "at", fix))
        try:
            return self._moments.text(given.at)
        except BrokenContract as error:
            rule = error.cells[0].rule if error.cells else "time"
            raise _Wrong(cell(number, "at", given.at, rule, error.fix)) from None

    def _moment(self, number: int, column: str, text: str) -> str:
        """Return an RFC 3339 moment in UTC; a time without a zone is taken as UTC."""
        if not text:
            return ""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            fix = "Send RFC 3339, for example 2026-11-23T17:24:06Z."
            raise _Wrong(cell(number, column, text, "time", fix)) from None
        return chance.stamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _no_truth(model: str) -> BadInput:
    return BadInput(
        f"{model!r} learnt without a truth, so nothing can come true later",
        where="$.labels",
        fix="Send no labels: what is watched is how the data and the shares of the answers move.",
        code="no-truth",
    )


class _Wrong(Exception):
    """Carries one broken label to the list of them."""

    def __init__(self, wrong: Cell) -> None:
        super().__init__(wrong.rule)
        self.cell = wrong


def refusal(checked: Checked, total: int) -> BadInput:
    """Return the error for labels of which some are broken: 404 where all of those are about no known request."""
    is_unknown = checked.unknown == checked.refused
    first = checked.cells[0]
    return BrokenContract(
        f"{checked.refused} of {total} labels {'are about no known request' if is_unknown else 'are broken'}; none was taken in",
        cells=checked.cells,
        count=checked.refused,
        where=f"$.labels[{first.row}].{first.column}",
        fix=first.fix + (' Send "partial": true to take in the others.' if checked.labels else ""),
        code="unknown-request" if is_unknown else "",
    )


def write(
    log_root: Path, model: str, records: Sequence[Mapping[str, Json]], contract: Contract, *, principal: str
) -> Labelled:
    """Write labels durably to a model's event log, whether or not a server is running; broken ones are left out and listed.

    Texts stand for numbers here, since files hold texts.
    """
    folder = log_root / model
    with disk("The folder of the event log cannot be made", folder):
        make_folder(folder)
    checker = Checker(contract, model, folder, clock=chance.Clock(), reads_texts=True)
    checked = checker.check(records, principal)
    if checked.labels:
        _append(log_root, folder, checked.labels)
    return Labelled(taken=len(checked.labels), refused=checked.refused, cells=checked.cells)


def _append(log_root: Path, folder: Path, labels: Sequence[Label]) -> None:
    with free_worker(log_root, FIRST_WRITER, WRITERS) as worker:
        mend(folder, worker)
        try:
            written = OpenSegment(folder, worker, next_number(folder, worker), os.fdatasync)
            try:
                written.write(b"".join(segment.frame(event.encode(label)) for label in labels))
                written.sync()
                written.seal()
            except OSError:
                written.abandon()
                raise
        except OSError as error:
            raise Unavailable(
                f"The labels cannot be written: {error.strerror}",
                where=str(folder),
                fix="Free space on the disk and give the same labels again: a label given twice counts once.",
            ) from None


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
