"""The same answers over files of any size: blocks of rows in, blocks of predictions out, one block in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from seaway.core import chance
from seaway.core.answer import Answerer
from seaway.core.batch import Array, Flag, Json
from seaway.core.contract import Contract, Output
from seaway.core.errors import BrokenContract, Cell
from seaway.core.protocols import Rows

CELLS = 100
"""So many broken cells are listed; all refused rows are counted."""

ROWS = 10_000
"""Rows answered at once."""

Record = Mapping[str, Json]


Columns = Mapping[str, Sequence[Json] | Array]
"""Answers by column (`columns`), one cell per row."""


@dataclass(frozen=True, kw_only=True)
class Parted:
    """A block of `size` rows: the ones that keep to the contract as validated `rows`, and the others by their place in it.

    `broken` rows are as a client would send them, so that the encoder refuses them and says why; of `torn` ones there is
    only the reason. `flags` are those of `rows` that typing has raised and that typed rows no longer show.
    """

    rows: Rows
    size: int
    broken: Mapping[int, Record] = field(default_factory=dict)
    torn: Mapping[int, Cell] = field(default_factory=dict)
    flags: Sequence[Flag] = ()


Block = Rows | Sequence[Record] | Parted


@dataclass(frozen=True, kw_only=True)
class Found:
    """A block answered: `columns`, and the cells for which rows were refused, by place."""

    columns: Columns
    size: int
    refused: Mapping[int, tuple[Cell, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Rows answered and refused, with the first broken cells (rows count from 0 over the whole input), and the time."""

    rows: int
    refused: int
    cells: tuple[Cell, ...]
    seconds: float


def score(
    answerer: Answerer,
    blocks: Iterable[Block],
    write: Callable[[Columns], None],
    *,
    progress: Callable[[int], None] = lambda rows: None,
    size: int = ROWS,
) -> Scored:
    """Answer every row and hand the results to `write`, column by column (`columns`), in the order of the input.

    A block is a sequence of JSON rows, `Rows` that were validated against the contract, or `Parted`. A row that breaks the
    contract gets `error` and no answer; the others are answered. The target is left out of what the model sees.
    `progress` gets the rows done so far.
    """
    return gather((answered(answerer, piece) for block in blocks for piece in _cut(block, size)), write, progress)


def gather(
    found: Iterable[Found], write: Callable[[Columns], None], progress: Callable[[int], None] = lambda rows: None
) -> Scored:
    """Hand answered blocks to `write` in their order, and count."""
    started = chance.monotonic()
    done = refused = 0
    cells: list[Cell] = []
    for one in found:
        write(one.columns)
        refused += len(one.refused)
        for number, broken in sorted(one.refused.items()):
            if len(cells) < CELLS:
                cells += [msgspec.structs.replace(cell, row=done + number) for cell in broken[: CELLS - len(cells)]]
        done += one.size
        progress(done)
    return Scored(rows=done - refused, refused=refused, cells=tuple(cells), seconds=chance.monotonic() - started)


def answered(answerer: Answerer, block: Block) -> Found:
    """Answer one block in one run of the engine, and refuse its broken rows."""
    if isinstance(block, Parted):
        return _parted(answerer, block)
    if isinstance(block, Sequence):
        asked = frozenset(column.name for column in answerer.contract.columns if column.role == "target")
        rows = [{name: value for name, value in record.items() if name not in asked} for record in block]
        records, broken = _answered(answerer, rows)
        refused = {number: error.cells for number, error in broken.items()}
        return Found(columns=_turned(records, answerer.contract), size=len(rows), refused=refused)
    return Found(columns=_answered_by_column(answerer, block), size=len(block))


def _cut(block: Block, size: int) -> Iterator[Block]:
    if isinstance(block, Parted):
        yield block
        return
    for start in range(0, len(block), size):
        if isinstance(block, Sequence):
            yield block[start : start + size]
        else:
            yield block.take(np.arange(start, min(start + size, len(block))))


def _turned(records: Sequence[Record], contract: Contract) -> Columns:
    return {name: [record[name] for record in records] for name in columns(contract)}


def _parted(answerer: Answerer, block: Parted) -> Found:
    """Answer the whole rows by column and the others one by one, and put all in their places."""
    whole = (
        _answered_by_column(answerer, block.rows, block.flags) if len(block.rows) else _turned([], answerer.contract)
    )
    if len(block.rows) == block.size:
        return Found(columns=whole, size=block.size)
    others: dict[int, Record] = {}
    refused: dict[int, tuple[Cell, ...]] = {}
    for number, row in block.broken.items():
        (others[number],), broken = _answered(answerer, [row])
        if broken:
            refused[number] = broken[0].cells
    for number, cell in block.torn.items():
        others[number] = dict.fromkeys(whole) | {"flags": "", "error": f"{cell.column} {cell.fix}"}
        refused[number] = (cell,)
    taken = np.zeros(block.size, dtype=bool)
    taken[list(others)] = True
    places = np.flatnonzero(~taken).tolist()
    made: dict[str, Sequence[Json] | Array] = {}
    for name, values in whole.items():
        cells: list[Json] = [None] * block.size
        for place, value in zip(places, values.tolist() if isinstance(values, np.ndarray) else values, strict=True):
            cells[place] = value
        for place, record in others.items():
            cells[place] = record[name]
        made[name] = cells
    return Found(columns=made, size=block.size, refused=refused)


def columns(contract: Contract) -> list[str]:
    """Return the names of a result's columns, in order: ids, outputs (`probabilities.good`), flags, error."""
    ids = [column.name for column in contract.having("id")]
    return [*ids, *flat_names(contract), "flags", "error"]


def _answered(answerer: Answerer, rows: Sequence[Record]) -> tuple[list[dict[str, Json]], dict[int, BrokenContract]]:
    """Answer a block; where it has broken rows, find them one by one and answer the others."""
    broken: dict[int, BrokenContract] = {}
    kept: Sequence[Record] = rows
    try:
        request = answerer.encoder.request(rows)
    except BrokenContract:
        broken = _broken(answerer, rows)
        kept = [row for number, row in enumerate(rows) if number not in broken]
        request = answerer.encoder.request(kept) if kept else None  # type: ignore[assignment]
    predictions = iter(answerer.answer([request])[0].predictions if kept else ())
    return [
        _flat(answerer.contract, row, None if number in broken else next(predictions), broken.get(number))
        for number, row in enumerate(rows)
    ], broken


def _answered_by_column(answerer: Answerer, rows: Rows, raised: Sequence[Flag] = ()) -> Columns:
    """Answer validated rows; the numbers and the program are those of `_answered`, only made for all rows at once."""
    contract = answerer.contract
    batch = answerer.encoder.batch(rows, raised)
    answers = answerer.runner.run(batch)
    made: list[Sequence[Json] | Array] = [_ids(rows, column.name) for column in contract.having("id")]
    for output in contract.outputs:
        values = answers[output.name]
        if is_labelled(output):
            made += [values[:, place] for place in range(len(output.labels))]
        elif output.kind == "code" and output.labels:
            made.append([output.labels[code] for code in values.tolist()])
        else:
            made.append(values.tolist() if values.ndim > 1 or values.dtype == object else values)
    flags = [""] * len(rows)
    place = {name: number for number, name in enumerate(contract.by_name)}
    for flag in sorted(batch.flags, key=lambda flag: place[flag.column]):  # as one row after the other would raise them
        said = f"{flag.column}:{flag.rule}"
        flags[flag.row] = f"{flags[flag.row]};{said}" if flags[flag.row] else said
    made += [flags, [""] * len(rows)]
    return dict(zip(columns(contract), made, strict=True))


def _ids(rows: Rows, name: str) -> list[Json]:
    if name not in rows.names:
        return [None] * len(rows)
    values, missing = rows.column(name)
    return [None if gone else text(value) for value, gone in zip(values.tolist(), missing.tolist(), strict=True)]


def _broken(answerer: Answerer, rows: Sequence[Record]) -> dict[int, BrokenContract]:
    found: dict[int, BrokenContract] = {}
    for number, row in enumerate(rows):
        try:
            answerer.encoder.request([row])
        except BrokenContract as error:
            found[number] = error
    return found


def _flat(
    contract: Contract, row: Record, prediction: Mapping[str, Json] | None, error: BrokenContract | None
) -> dict[str, Json]:
    """Return one record with every column of `columns`."""
    flat: dict[str, Json] = {column.name: text(row.get(column.name)) for column in contract.having("id")}
    for output in contract.outputs:
        value = prediction[output.name] if prediction else None
        if is_labelled(output):
            flat |= {f"{output.name}.{label}": value[label] if value else None for label in output.labels}
        else:
            flat[output.name] = value
    flags = prediction.get("flags", ()) if prediction else ()
    flat["flags"] = ";".join(f"{flag['column']}:{flag['rule']}" for flag in flags)
    flat["error"] = "; ".join(f"{cell.column}={cell.value} ({cell.rule})" for cell in error.cells) if error else ""
    return flat


def flat_names(contract: Contract) -> list[str]:
    """Return the names of a result's columns that hold answers."""
    return [
        name
        for output in contract.outputs
        for name in ([f"{output.name}.{label}" for label in output.labels] if is_labelled(output) else [output.name])
    ]


def is_labelled(output: Output) -> bool:
    """Say whether an answer is an object by label, which takes a column for each."""
    return "class" in output.axes or "level" in output.axes


def text(value: Json) -> str | None:
    """Return an id as text."""
    return None if value is None else str(value)
