"""Tables: every row is a case of its own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from seaway.core import canonical
from seaway.core.batch import Array, Batch, Flag, Ids, Json, Request, Sample
from seaway.core.contract import Column, Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput, BrokenContract, Cell, Malformed, TooLarge
from seaway.core.protocols import Rows
from seaway.core.settings import ServeSettings
from seaway.data.encode import arrays, cell, generate, options, render, truth, wire
from seaway.data.encode.rules import Rules

CELLS = 100
"""So many broken cells are listed; all are counted."""


@dataclass(frozen=True, kw_only=True)
class TableRequest(Request):
    """A request whose accepted rows are encoded already.

    With `partial`, `refused` holds the broken cells by row number of the request, and `kept` the numbers of the accepted
    rows; without it every row was accepted.
    """

    contract: str
    x: Array
    flags: Sequence[Flag] = ()
    refused: Mapping[int, tuple[Cell, ...]] = field(default_factory=dict)
    kept: Sequence[int] = ()


class TableEncoder:
    """Implements `core.protocols.Encoder` where one prediction is about one row."""

    version = 1

    def __init__(self, contract: Contract, limits: ServeSettings | None = None) -> None:
        _refuse_foreign_kinds(contract)
        self.contract = contract
        self.limits = limits or ServeSettings()
        self._fed = [Rules.of(column) for column in contract.columns if column.encoded]
        self._readers = [cell.reader(rules) for rules in self._fed]
        self._row = generate.row_function(self._fed, self._readers)
        self._settle = options.settler(contract)
        self._known = frozenset(contract.by_name)
        self._width = len(contract.encoded)
        self._ids = [column.name for column in contract.having("id")]
        self._logged = [column for column in contract.columns if column.role == "feature" or column.encoded]
        self._logs_all = {column.name for column in self._logged if column.log == "full" and not column.personal}

    # ---------------------------------------------------------------------------------------------- requests

    def decode(self, body: bytes) -> Request:
        """Read a request's JSON; raises `Malformed`, `TooLarge` or `BrokenContract`."""
        message = wire.body(body, self.limits)
        for name in message:
            if name not in wire.FIELDS:
                raise Malformed(
                    f"A request has no {name[:80]!r}",
                    where=f"$.{name[:80]}",
                    fix=f"It may hold: {', '.join(wire.FIELDS)}.{_meant(name, wire.FIELDS)}",
                    code="unknown-field",
                )
        rows = message.get("rows")
        if rows.__class__ is not list or any(row.__class__ is not dict for row in rows):
            raise Malformed(
                "`rows` is not a list of objects", where="$.rows", fix='Send {"rows": [{"column": value, ...}]}.'
            )
        if len(rows) > self.limits.max_rows:
            raise TooLarge(
                f"The request has {len(rows)} rows, {self.limits.max_rows} are allowed",
                where="$.rows",
                fix="Send them in several requests.",
            )
        wire.texts_within(rows, len(body), self.limits)
        return self._accept(
            rows,
            message.get("options"),
            ids=_ids_of(message.get("ids"), len(rows), self._ids),
            explain=_flag(message, "explain"),
            partial=_flag(message, "partial"),
            request_id=_word(message, "request_id"),
            key=_word(message, "key"),
        )

    def request(self, rows: Sequence[Mapping[str, Json]], options: Mapping[str, Json] | None = None) -> TableRequest:
        """Make a request of rows that are objects already, held to the contract in the same way."""
        return self._accept(rows, options)

    def _accept(
        self,
        rows: Sequence[Mapping[str, Json]],
        given: Json,
        *,
        ids: Sequence[Ids] = (),
        explain: bool = False,
        partial: bool = False,
        request_id: str = "",
        key: str = "",
    ) -> TableRequest:
        if not rows:
            raise BadInput("The request has no rows", where="$.rows", fix="Send at least one row.", code="no-rows")
        settled = self._settle(given)
        numbers, flags, refused, broken = self._numbers(rows)
        if refused and not (partial and len(refused) < len(rows)):
            raise _refusal(refused, broken)
        kept = [number for number in range(len(rows)) if number not in refused] if refused else range(len(rows))
        accepted = [rows[number] for number in kept] if refused else rows
        if self._ids:
            ids = _with_ids(accepted, self._ids, [ids[number] for number in kept] if ids else ())
        elif refused and ids:
            ids = [ids[number] for number in kept]
        return TableRequest(
            rows=accepted,
            options=settled,
            ids=ids,
            request_id=request_id,
            key=key,
            explain=explain,
            partial=partial,
            contract=self.contract.digest,
            x=np.array(numbers, dtype=np.float32).reshape(len(accepted), self._width),
            flags=flags,
            refused=refused,
            kept=kept,
        )

    def _numbers(
        self, rows: Sequence[Mapping[str, Json]]
    ) -> tuple[list[float], list[Flag], dict[int, tuple[Cell, ...]], int]:
        """Encode every row that may pass; returns numbers, flags (by accepted row), broken cells (by row), their count."""
        numbers: list[float] = []
        flags: list[Flag] = []
        refused: dict[int, tuple[Cell, ...]] = {}
        broken, listed = 0, 0
        known, encode, open_ended = self._known, self._row, self.contract.extra == "ignore"
        for number, row in enumerate(rows):
            places, flagged = len(numbers), len(flags)
            try:
                if not (open_ended or known.issuperset(row)):
                    raise cell.Broken("unknown", "")
                encode(row, number - len(refused), numbers, flags)
                if self._ids:
                    _id_texts(row, self._ids)
            except cell.Broken:
                del numbers[places:], flags[flagged:]
                cells, count = self._broken_cells(number, row, max(1, CELLS - listed))
                refused[number] = cells
                broken, listed = broken + count, listed + len(cells)
        return numbers, flags, refused, broken

    def _broken_cells(self, number: int, row: Mapping[str, Json], room: int) -> tuple[tuple[Cell, ...], int]:
        """List up to `room` broken cells of a row and count all: the slow path, taken only for a row that has one."""
        unknown = [] if self.contract.extra == "ignore" else [name for name in row if name not in self._known]
        found = [
            _cell(number, name, row[name], "unknown", f"The contract has no such column.{_meant(name, self._known)}")
            for name in unknown[:room]
        ]
        count = len(unknown)
        readers = [(rules.column.name, read) for rules, read in zip(self._fed, self._readers, strict=True)]
        for name, read in [*readers, *((name, _read_id(name)) for name in self._ids)]:
            try:
                read(row.get(name, cell.ABSENT), number, [])
            except cell.Broken as broken:
                count += 1
                if len(found) < room:
                    found.append(_cell(number, name, row.get(name), broken.rule, broken.fix))
        return tuple(found), count

    # ----------------------------------------------------------------------------------------------- numbers

    def encode(self, request: Request, history: Mapping[str, Rows] | None = None) -> Batch:
        """Turn accepted rows into numbers; soft breaks become flags."""
        if not isinstance(request, TableRequest) or request.contract != self.contract.digest:
            request = self.request(request.rows, request.options)
        return Batch.of_rows(request.x, flags=request.flags)

    def batch(self, rows: Rows, flags: Iterable[Flag] = ()) -> Batch:
        """Turn validated rows into numbers at once; `flags` are those that validation raised."""
        x, raised = arrays.matrix(self._fed, rows)
        return Batch.of_rows(x, flags=[*flags, *raised])

    def ask(self, data: Dataset, known: Array, asked: Array) -> Sample:
        """Return the asked rows as a sample; the known rows teach a table nothing about them."""
        rows = data.rows.take(asked)
        weights = self.contract.having("weight")
        weight = None
        if weights:
            values, missing = rows.column(weights[0].name)
            weight = np.where(missing, 0.0, values.astype(np.float64))
        return Sample(batch=self.batch(rows), truth=truth.column(self.contract, rows), weight=weight)

    # ----------------------------------------------------------------------------------------------- answers

    def render(self, answers: Mapping[str, Array], batch: Batch) -> list[dict[str, Json]]:
        """Turn answers into one JSON object per case, flags included."""
        return render.predictions(self.contract, answers, batch)

    def logged(self, request: Request) -> bytes:
        """Return the accepted rows as JSON without ids and targets; personal columns and `log = "digest"` as digests."""
        if all(self._logs_all.issuperset(row) for row in request.rows):
            return msgspec.json.encode(request.rows)
        return msgspec.json.encode([self._masked(row) for row in request.rows])

    def _masked(self, row: Mapping[str, Json]) -> dict[str, Json]:
        masked: dict[str, Json] = {}
        for column in self._logged:
            if column.name not in row or column.log == "none":
                continue
            value = row[column.name]
            hidden = value is not None and (column.log == "digest" or column.personal)
            masked[column.name] = canonical.digest(canonical.encode(value))[:16] if hidden else value
        return masked


# ----------------------------------------------------------------------------------------------- parts of a request


def _flag(message: Mapping[str, Json], name: str) -> bool:
    value = message.get(name, False)
    if value is not True and value is not False:
        raise Malformed(f"`{name}` is not true or false", where=f"$.{name}", fix="Send true or false, or leave it out.")
    return value


def _word(message: Mapping[str, Json], name: str) -> str:
    value = message.get(name, "")
    if not isinstance(value, str) or len(value) > 128 or not value.isprintable():
        raise Malformed(
            f"`{name}` is not a text of at most 128 printable characters",
            where=f"$.{name}",
            fix="Send a short text, or leave it out.",
        )
    return value


def _ids_of(given: Json, rows: int, columns: Sequence[str]) -> Sequence[Ids]:
    """Read `ids`: one per row, an object by id column, or a plain value where there is one id column or none."""
    if given is None:
        return ()
    name = columns[0] if columns else "id"
    if given.__class__ is not list or len(given) != rows:
        raise Malformed("`ids` is not a list with one id per row", where="$.ids", fix=f"Send {rows} ids, or none.")
    found: list[Ids] = []
    for number, item in enumerate(given):
        item = item if isinstance(item, dict) else {name: item}
        unknown = [key for key in item if key not in (columns or (name,))]
        try:
            if unknown:
                raise cell.Broken("unknown", f"The id columns are: {', '.join(columns) or name}.")
            found.append(_id_texts(item, list(item)))
        except cell.Broken as broken:
            raise Malformed("An id is not as the contract says", where=f"$.ids[{number}]", fix=broken.fix) from None
    return found


def _id_texts(row: Mapping[str, Json], names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        value = row.get(name)
        if value is None:
            continue
        if value.__class__ not in (str, int) or (value.__class__ is str and len(value) > 256):
            raise cell.Broken("id", f"Send {name!r} as a text of at most 256 characters or an integer.")
        found[name] = str(value)
    return found


def _read_id(name: str) -> cell.Reader:
    def read(value: Json, row: int, flags: list[Flag]) -> tuple[float, ...]:
        _id_texts({} if value is cell.ABSENT else {name: value}, [name])
        return ()

    return read


def _with_ids(rows: Sequence[Mapping[str, Json]], names: Sequence[str], given: Sequence[Ids]) -> Sequence[Ids]:
    found = [_id_texts(row, names) for row in rows]
    if given:
        found = [{**one, **other} for one, other in zip(found, given, strict=True)]
    return found if any(found) else ()


# ----------------------------------------------------------------------------------------------------- refusals


def _cell(row: int, column: str, value: Json, rule: str, fix: str) -> Cell:
    try:
        shown = msgspec.json.encode(value).decode()
    except (TypeError, msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        shown = type(value).__name__  # a Python object that is no JSON
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return Cell(row=row, column=column[:80], value=shown, rule=rule, fix=fix)


def _refusal(refused: Mapping[int, tuple[Cell, ...]], count: int) -> BrokenContract:
    cells = [found for row in refused.values() for found in row][:CELLS]
    first = cells[0]
    return BrokenContract(
        f"{count} cell{'s' * (count > 1)} in {len(refused)} row{'s' * (len(refused) > 1)} break the contract; "
        f"the first is {first.column!r} = {first.value} (rule: {first.rule})",
        cells=tuple(cells),
        count=count,
        where=f"$.rows[{first.row}].{first.column}",
        fix=first.fix,
    )


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:80], sorted(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _refuse_foreign_kinds(contract: Contract) -> None:
    fed: list[Column] = [column for column in contract.columns if column.encoded or column.encode == "array"]
    strange = [
        column
        for column in fed
        if column.role == "feature" and (column.kind in ("text", "image", "array", "table") or column.encode == "array")
    ]
    if strange or contract.per != "row":
        what = f"column {strange[0].name!r} of kind {strange[0].kind!r}" if strange else f"per = {contract.per!r}"
        raise BadInput(
            f"A table cannot feed {what} to a model",
            where="contract",
            fix='Set its role to "ignore", or turn it into numbers or categories first.',
            code="contract",
        )
