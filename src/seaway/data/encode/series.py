"""Series: the rows of one id in time order are a case, asked about the steps behind its newest known value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from seaway.core.batch import Array, Batch, Flag, Ids, Json, Query, Request, Sample
from seaway.core.contract import Column, Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput, Cell
from seaway.core.protocols import Quick, Rows
from seaway.core.settings import ServeSettings
from seaway.data.encode import arrays, cases, cell, laying, masks, message, options, render, scale, truth
from seaway.data.encode.asking import Questioner
from seaway.data.encode.clock import Clock
from seaway.data.encode.faults import cells_of, faulty
from seaway.data.encode.filling import STATIC, Filler
from seaway.data.encode.lines import LineReader, refuse_foreign
from seaway.data.encode.message import Message
from seaway.data.encode.refusal import refusal
from seaway.data.encode.rules import LARGEST, Rules
from seaway.data.encode.scale import scales

__all__ = ["SeriesEncoder", "SeriesRequest", "moment_text", "scales", "split_rows"]

split_rows = cases.split


def moment_text(contract: Contract, text: str) -> str:
    """Return a moment as predictions write it under `at`; raises `BrokenContract` for a text that is none."""
    return Clock(contract).text(text)


@dataclass(frozen=True, kw_only=True)
class SeriesRequest(Request):
    """A request whose accepted series are encoded already.

    With `partial`, `refused` holds the broken cells (by row of the request) by case, and `kept` the numbers of the accepted
    cases; a case counts from 0 in the order in which ids first stand. Without it every case was accepted.
    """

    contract: str
    batch: Batch
    refused: Mapping[int, tuple[Cell, ...]] = field(default_factory=dict)
    kept: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class _Points:
    """What rows hold beside their features, as they were read: moments, whether they are instants, and targets (n,)."""

    moment: list[int]
    is_instant: list[bool]
    target: list[float]


class SeriesEncoder:
    """Implements `core.protocols.Encoder` where one prediction is about one series."""

    version = 1

    def __init__(self, contract: Contract, limits: ServeSettings | None = None) -> None:
        refuse_foreign(contract, "series")
        target = contract.target
        if target is None or contract.series is None:
            raise BadInput(
                "A contract of series needs a target and a [series] table",
                where="contract",
                fix="Make the project anew with a task of series: `seaway new DIR --data FILE --target COLUMN --time COLUMN`.",
                code="contract",
            )
        self.contract = contract
        self.limits = limits or ServeSettings()
        self.quick: Quick | None = None
        self._shape = contract.series
        self._clock = Clock(contract)
        self._ids = [column.name for column in contract.having("id")]
        self._fed = [Rules.of(_sendable(column)) for column in contract.columns if _is_fed(column)]
        self._required = [
            (column.name, column.null == "error")
            for column in contract.columns
            if _is_fed(column) and not _is_ahead(column) and "error" in (column.absent, column.null)
        ]
        # Levels move by themselves: only a limit that a person made hard holds the target.
        loose = target if target.hard else msgspec.structs.replace(target, range=None)
        self._target = target.name
        self._read_target = cell.reader(
            Rules.of(msgspec.structs.replace(loose, kind="number", absent="null", null="missing", shift=0.0))
        )
        self._lines = LineReader(
            contract,
            self._fed,
            {
                **{name: message.id_reader(name) for name in self._ids},
                self._clock.column.name: lambda row: self._clock.read(row.get(self._clock.column.name)),
                target.name: lambda row: self._read_target(row.get(target.name), 0, []),
                **{name: self._requirer(name, is_strict) for name, is_strict in self._required},
            },
        )
        self._settle = options.settler(contract)
        self._filler = Filler(contract, self._clock)
        self._questioner = Questioner(contract, self._clock)
        kept = [column for column in contract.columns if column.role in ("feature", "target", "time")]
        self._masks = masks.Masks(kept, contract.having("id"))

    # ---------------------------------------------------------------------------------------------- requests

    def decode(self, body: bytes) -> Request:
        """Read a request's JSON; raises `Malformed`, `TooLarge` or `BrokenContract`."""
        return self._accept(message.read(body, self.limits))

    def request(self, rows: Sequence[Mapping[str, Json]], options: Mapping[str, Json] | None = None) -> SeriesRequest:
        """Make a request of rows that are objects already, held to the contract in the same way."""
        return self._accept(Message(rows=rows, options=options))

    def _accept(self, asked: Message) -> SeriesRequest:
        rows = asked.rows
        if not rows:
            raise BadInput("The request has no rows", where="$.rows", fix="Send at least one row.", code="no-rows")
        settled = self._settle(asked.options)
        case, ids = cases.of_objects(rows, self._ids)
        given = message.ids_given(asked.ids, len(ids), self._ids)
        found, refused, count = self._read(rows, np.array(case), ids, self._horizon(settled))
        kept: Sequence[int] = range(len(ids))
        if refused or found is None:
            if not (asked.partial and len(refused) < len(ids)):
                raise refusal(refused, count)
            kept = [number for number in range(len(ids)) if number not in refused]
            rows = [row for row, own in zip(rows, case, strict=True) if own not in refused]
            ids = [ids[number] for number in kept]
            found, broken, count = self._read(
                rows, np.array(cases.of_objects(rows, self._ids)[0]), ids, self._horizon(settled)
            )
            if found is None:
                raise refusal(broken, count)
        if given:
            ids = [{**one, **given[number]} for one, number in zip(ids, kept, strict=True)]
            told = [{**option, "ids": one} for option, one in zip(found.options, ids, strict=True)]
            found = replace(found, options=told)
        return SeriesRequest(
            rows=rows,
            options=settled,
            ids=ids if any(ids) else (),
            request_id=asked.request_id,
            key=asked.key,
            explain=asked.explain,
            partial=asked.partial,
            contract=self.contract.digest,
            batch=found,
            refused=refused,
            kept=kept,
        )

    def _read(
        self, rows: Sequence[Mapping[str, Json]], case: Array, ids: Sequence[Ids], horizon: int
    ) -> tuple[Batch | None, dict[int, tuple[Cell, ...]], int]:
        """Return the batch of the rows, or None with the broken cells by case and their count."""
        points = _Points(moment=[], is_instant=[], target=[])
        lines = self._lines.read(rows, self._reader_of(points, are_told=all(ids)))
        if lines.refused:
            broken: dict[int, tuple[Cell, ...]] = {}
            for number, cells in lines.refused.items():
                broken[int(case[number])] = (*broken.get(int(case[number]), ()), *cells)
            return None, broken, lines.count
        written, target = np.array(points.moment, dtype=np.int64), np.array(points.target, dtype=np.float64)
        moment, never = self._clock.instants(written, np.array(points.is_instant), case)
        found, faults = self._laid(case, moment, target, lines.x, ids, horizon, never, lines.flags)
        if found is None:
            return None, *cells_of(faults, never, dict(enumerate(rows)), case, self._clock, self._target)
        return found, {}, 0

    def _laid(
        self,
        case: Array,
        moment: Array,
        target: Array,
        x: Array,
        ids: Sequence[Ids],
        horizon: int,
        never: Array,
        flags: Sequence[Flag],
    ) -> tuple[Batch | None, laying.Faults]:
        """Return the batch of rows with their instants, or None where rows cannot stand where they do."""
        frequency = self._clock.frequency
        placed = laying.place(case, moment, ~np.isnan(target), frequency, len(ids))
        if placed.faults.any or never.any():
            return None, placed.faults
        layout = laying.lay(placed, frequency, self._shape.history, np.full(len(ids), horizon))
        if self._shape.gaps == "error" and (layout.gap >= 0).any():
            return None, replace(placed.faults, gap=layout.gap >= 0)
        return self._filler.batch(layout, x, target, ids, flags), placed.faults

    def _reader_of(self, points: _Points, are_told: bool) -> Callable[[Mapping[str, Json]], None]:
        """Return what reads a row's time and target into `points`; raises `Broken` before it has added either.

        Where the ids of all rows `are_told` they were read well and are not looked at again.
        """
        time, target, read_time, read_target = (
            self._clock.column.name,
            self._target,
            self._clock.read,
            self._read_target,
        )
        required, names, is_plain = self._required, () if are_told else self._ids, self._target_is_plain
        add_moment, add_kind, add_target = points.moment.append, points.is_instant.append, points.target.append

        def read(row: Mapping[str, Json]) -> None:
            moment, is_instant = read_time(row.get(time))
            value = row.get(target)
            if not (is_plain and value.__class__ is float and -LARGEST <= value <= LARGEST):
                value = read_target(value, 0, [])[0]
            if required and value == value:
                for name, is_strict in required:
                    if name not in row or (is_strict and row[name] is None):
                        raise cell.Broken("required", "")
            if names:
                message.id_texts(row, names)
            add_moment(moment)
            add_kind(is_instant)
            add_target(value)

        return read

    @property
    def _target_is_plain(self) -> bool:
        target = self.contract.having("target")[0]
        return not target.clean and not (target.hard and target.range)

    def _requirer(self, name: str, is_strict: bool) -> Callable[[Mapping[str, Json]], None]:
        """Return what asks a row of history for a value that nobody can know ahead."""

        def require(row: Mapping[str, Json]) -> None:
            if row.get(self._target) is not None and (name not in row or (is_strict and row[name] is None)):
                raise cell.Broken("required", f"Send {name!r} with every row that has {self._target!r}.")

        return require

    def _horizon(self, given: Mapping[str, Json]) -> int:
        asked = given.get("horizon")
        return self._shape.horizon if asked is None else int(asked)

    # ----------------------------------------------------------------------------------------------- numbers

    def encode(self, request: Request, history: Mapping[str, Rows] | None = None) -> Batch:
        """Turn accepted rows into numbers: each series' newest lines, then the steps asked for; soft breaks become flags."""
        if not isinstance(request, SeriesRequest) or request.contract != self.contract.digest:
            request = self.request(request.rows, request.options)
        return request.batch

    def batch(self, rows: Rows, flags: Iterable[Flag] = ()) -> Batch:
        """Turn validated rows into numbers at once, every series asked up to the horizon."""
        case, ids = self._questioner.cases(rows)
        x, raised = arrays.matrix(self._fed, rows)
        values = truth.column(self.contract, rows)
        target = np.full(len(rows), np.nan) if values is None else values
        moment = rows.column(self._clock.column.name)[0].astype("datetime64[ns]").astype(np.int64)
        never = np.zeros(len(rows), dtype=bool)
        found, faults = self._laid(case, moment, target, x, ids, self._shape.horizon, never, [*flags, *raised])
        if found is None:
            numbers = faulty(faults, case)
            records = dict(zip(numbers, rows.records(np.array(numbers)), strict=True))
            raise refusal(*cells_of(faults, never, records, case, self._clock, self._target))
        return found

    def cases(self, rows: Rows) -> Array:
        """Return the number of the series that each row belongs to, by first appearance of its ids."""
        return self._questioner.cases(rows)[0]

    def ask(self, data: Dataset, known: Array, asked: Array) -> Sample:
        """Return what is known of each series with an asked row, then the steps to its last asked row.

        Series in which all asked rows are known too come whole, with their truth and no steps: what to learn from. A series
        of which no value is known cannot be asked about and is left out; so are steps beyond the horizon. `truth` is of
        asked rows (and of gaps between them); `scale` is of everything known, however much of it is shown.
        """
        question = self._questioner.question(data, known, asked)
        rows = data.rows.take(question.rows)
        x, _ = arrays.matrix(self._fed, rows)
        target = np.where(question.known, question.target, np.nan)
        weight = truth.weight(self.contract, rows)
        layout, whole = question.layout, question.whole
        told = self._filler.values(whole, target, whole.ahead)
        return Sample(
            batch=self._filler.batch(layout, x, target, question.ids),
            case=question.case,
            truth=self._filler.truth(layout, question.target, question.asked),
            weight=None if weight is None else layout.spread(weight, 0.0),
            scale=scale.of_history(told, whole.starts[:-1], whole.starts[1:], self._shape.season),
        )

    def queries(self, data: Dataset, known: Array, asked: Array) -> list[Query]:
        """Return what a client would send to ask just that, one query per case of `ask`."""
        return self._questioner.queries(data, self._questioner.question(data, known, asked))

    # ----------------------------------------------------------------------------------------------- answers

    def render(self, answers: Mapping[str, Array], batch: Batch) -> list[dict[str, Json]]:
        """Turn answers into one JSON object per case: its id, the moments it is about, a value for each, flags included."""
        return render.forecasts(self.contract, answers, batch, self._clock.texts)

    def logged(self, request: Request) -> bytes:
        """Return the accepted rows as JSON: time, target and features masked as tables are, and the id columns.

        Ids stay, as only they tell the series of a request apart: `split_rows` cuts the logged rows into those of each case,
        in the order of its predictions, and the encoder takes them back. A personal id is the digest of its text.
        """
        return self._masks.json(request.rows)


def _is_fed(column: Column) -> bool:
    return bool(column.encoded) and column.role != "time"


def _is_ahead(column: Column) -> bool:
    return column.ahead or column.part == STATIC


def _sendable(column: Column) -> Column:
    """Return a column as any row may send it: what nobody knows ahead may be left out of the rows ahead."""
    return column if _is_ahead(column) else msgspec.structs.replace(column, absent="null", null="missing")
