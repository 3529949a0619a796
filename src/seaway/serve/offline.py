"""The same answers over files of any size: blocks of rows in, blocks of predictions out, one block in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seaway.core import chance
from seaway.core.answer import Answerer
from seaway.core.batch import Json
from seaway.core.contract import Contract, Output
from seaway.core.errors import BrokenContract, Cell
from seaway.core.protocols import Rows

CELLS = 100
"""So many broken cells are listed; all refused rows are counted."""

ROWS = 10_000
"""Rows answered at once."""

Record = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Rows answered and refused, with the first broken cells (rows count from 0 over the whole input), and the time."""

    rows: int
    refused: int
    cells: tuple[Cell, ...]
    seconds: float


def score(
    answerer: Answerer,
    blocks: Iterable[Rows | Sequence[Record]],
    write: Callable[[list[dict[str, Json]]], None],
    *,
    progress: Callable[[int], None] = lambda rows: None,
    size: int = ROWS,
) -> Scored:
    """Answer every row and hand the results to `write`, one flat record per row in the order of the input (`columns`).

    A block is a sequence of JSON rows, or `Rows` that were validated against the contract, which go column by column. A
    row that breaks the contract gets a record with `error` and no answer; the others are answered. The target is left out
    of what the model sees. `progress` gets the rows done so far.
    """
    started = chance.monotonic()
    asked = frozenset(column.name for column in answerer.contract.columns if column.role == "target")
    done = refused = 0
    cells: list[Cell] = []
    for block in blocks:
        for start in range(0, len(block), size):
            if isinstance(block, Sequence):
                rows = [
                    {name: value for name, value in record.items() if name not in asked}
                    for record in block[start : start + size]
                ]
                found, broken = _answered(answerer, rows)
            else:
                piece = np.arange(start, min(start + size, len(block)))
                found, broken = _answered_by_column(answerer, block.take(piece)), {}
            write(found)
            refused += len(broken)
            for number, error in broken.items():
                cells += [_moved(cell, done + number) for cell in error.cells[: CELLS - len(cells)]]
            done += len(found)
            progress(done)
    return Scored(rows=done - refused, refused=refused, cells=tuple(cells), seconds=chance.monotonic() - started)


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


def _answered_by_column(answerer: Answerer, rows: Rows) -> list[dict[str, Json]]:
    """Answer validated rows; the numbers and the program are those of `_answered`, only made for all rows at once."""
    contract = answerer.contract
    batch = answerer.encoder.batch(rows)
    answers = answerer.runner.run(batch)
    made: list[list[Json]] = [_ids(rows, column.name) for column in contract.having("id")]
    for output in contract.outputs:
        values = answers[output.name]
        if is_labelled(output):
            made += [values[:, place].tolist() for place in range(len(output.labels))]
        else:
            plain = values.tolist()
            made.append([output.labels[code] for code in plain] if output.kind == "code" and output.labels else plain)
    flags: list[list[str]] = [[] for _ in range(len(rows))]
    for flag in batch.flags:
        flags[flag.row].append(f"{flag.column}:{flag.rule}")
    made += [[";".join(one) for one in flags], [""] * len(rows)]
    names = columns(contract)
    return [dict(zip(names, record, strict=True)) for record in zip(*made, strict=True)]


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


def _moved(cell: Cell, row: int) -> Cell:
    return Cell(row=row, column=cell.column, value=cell.value, rule=cell.rule, fix=cell.fix)


def text(value: Json) -> str | None:
    """Return an id as text."""
    return None if value is None else str(value)
