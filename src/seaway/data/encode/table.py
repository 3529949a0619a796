"""Tables: every row is a case of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seaway.core.batch import Array, Batch, Flag, Ids, Json, Query, Request, Sample
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput, Cell
from seaway.core.protocols import Quick, Rows
from seaway.core.settings import ServeSettings
from seaway.data.encode import arrays, masks, message, options, quick, render, truth
from seaway.data.encode.lines import LineReader, refuse_foreign
from seaway.data.encode.message import Message
from seaway.data.encode.refusal import refusal
from seaway.data.encode.rules import Rules


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
        refuse_foreign(contract, "row")
        self.contract = contract
        self.limits = limits or ServeSettings()
        self._fed = [Rules.of(column) for column in contract.columns if column.encoded]
        self._ids = [column.name for column in contract.having("id")]
        self._lines = LineReader(contract, self._fed, {name: message.id_reader(name) for name in self._ids})
        self._settle = options.settler(contract)
        self._masks = masks.Masks([column for column in contract.columns if column.role == "feature" or column.encoded])
        self.quick: Quick | None = None
        if quick.fits(contract):
            self.quick = quick.Quick(contract, self._fed, self._ids, self._masks, self.limits)

    # ---------------------------------------------------------------------------------------------- requests

    def decode(self, body: bytes) -> Request:
        """Read a request's JSON; raises `Malformed`, `TooLarge` or `BrokenContract`."""
        return self._accept(message.read(body, self.limits))

    def request(self, rows: Sequence[Mapping[str, Json]], options: Mapping[str, Json] | None = None) -> TableRequest:
        """Make a request of rows that are objects already, held to the contract in the same way."""
        return self._accept(Message(rows=rows, options=options))

    def _accept(self, asked: Message) -> TableRequest:
        rows = asked.rows
        if not rows:
            raise BadInput("The request has no rows", where="$.rows", fix="Send at least one row.", code="no-rows")
        settled = self._settle(asked.options)
        ids = message.ids_given(asked.ids, len(rows), self._ids)
        names = self._ids
        lines = self._lines.read(rows, (lambda row: message.id_texts(row, names)) if names else None)
        refused = lines.refused
        if refused and not (asked.partial and len(refused) < len(rows)):
            raise refusal(refused, lines.count)
        kept = [number for number in range(len(rows)) if number not in refused] if refused else range(len(rows))
        accepted = [rows[number] for number in kept] if refused else rows
        if names:
            ids = _with_ids(accepted, names, [ids[number] for number in kept] if ids else ())
        elif refused and ids:
            ids = [ids[number] for number in kept]
        return TableRequest(
            rows=accepted,
            options=settled,
            ids=ids,
            request_id=asked.request_id,
            key=asked.key,
            explain=asked.explain,
            partial=asked.partial,
            contract=self.contract.digest,
            x=lines.x,
            flags=lines.flags,
            refused=refused,
            kept=kept,
        )

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

    def cases(self, rows: Rows) -> Array:
        """Return the rows' numbers: each is a case of its own."""
        return np.arange(len(rows), dtype=np.int64)

    def ask(self, data: Dataset, known: Array, asked: Array) -> Sample:
        """Return the asked rows as a sample; the known rows teach a table nothing about them."""
        rows = data.rows.take(asked)
        return Sample(
            batch=self.batch(rows),
            case=np.asarray(asked, dtype=np.int64),
            truth=truth.column(self.contract, rows),
            weight=truth.weight(self.contract, rows),
        )

    def queries(self, data: Dataset, known: Array, asked: Array) -> list[Query]:
        """Return the asked rows as a client would send them: the columns that feed the model, one row per query."""
        fed = [rules.column.name for rules in self._fed]
        return [Query(rows=[{name: row[name] for name in fed}]) for row in data.rows.records(asked)]

    # ----------------------------------------------------------------------------------------------- answers

    def render(self, answers: Mapping[str, Array], batch: Batch) -> list[dict[str, Json]]:
        """Turn answers into one JSON object per case, flags included."""
        return render.predictions(self.contract, answers, batch)

    def logged(self, request: Request) -> bytes:
        """Return the accepted rows as JSON without ids and targets; personal columns and `log = "digest"` as digests."""
        return self._masks.json(request.rows)


def _with_ids(rows: Sequence[Mapping[str, Json]], names: Sequence[str], given: Sequence[Ids]) -> Sequence[Ids]:
    found = [message.id_texts(row, names) for row in rows]
    if given:
        found = [{**one, **other} for one, other in zip(found, given, strict=True)]
    return found if any(found) else ()
