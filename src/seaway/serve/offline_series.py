"""Files of series: histories in, one record for each step ahead out. The rows of a series are answered together, as over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from seaway.core import chance
from seaway.core.answer import Answerer
from seaway.core.batch import Array, Json
from seaway.core.contract import Contract, Output
from seaway.core.errors import BrokenContract, Cell
from seaway.serve.offline import CELLS, ROWS, Record, Scored, flat_names, is_labelled, text

Case = tuple[Array, Sequence[Record]]
"""The rows of one series as a client would send them, and their numbers in the file."""


def score(
    answerer: Answerer,
    cases: Iterable[Case],
    write: Callable[[list[dict[str, Json]]], None],
    *,
    options: Mapping[str, Json] | None = None,
    progress: Callable[[int], None] = lambda rows: None,
    size: int = ROWS,
) -> Scored:
    """Answer every series and hand the results to `write`, one flat record (`columns`) for each step ahead.

    Series go out together up to `size` rows. One that breaks the contract gets a single record with `error`; the others are
    answered. Rows are counted, as in a file of single rows: those of answered series, those of refused ones.
    """
    started = chance.monotonic()
    done = refused = 0
    cells: list[Cell] = []
    for block in _blocks(cases, size):
        for index, rows, found, error in _answered(answerer, block, options):
            write(found)
            done += len(rows)
            if error is not None:
                refused += len(rows)
                moved = [msgspec.structs.replace(cell, row=int(index[cell.row])) for cell in error.cells]
                cells += moved[: CELLS - len(cells)]
        progress(done)
    return Scored(rows=done - refused, refused=refused, cells=tuple(cells), seconds=chance.monotonic() - started)


def columns(contract: Contract) -> list[str]:
    """Return the names of a result's columns, in order: ids, `at`, outputs (`quantiles.0.05`), flags, error."""
    ids = [column.name for column in contract.having("id")]
    return [*ids, "at", *flat_names(contract), "flags", "error"]


def _blocks(cases: Iterable[Case], size: int) -> Iterator[list[Case]]:
    block: list[Case] = []
    rows = 0
    for case in cases:
        if block and rows + len(case[1]) > size:
            yield block
            block, rows = [], 0
        block.append(case)
        rows += len(case[1])
    if block:
        yield block


Told = tuple[Array, Sequence[Record], list[dict[str, Json]], BrokenContract | None]


def _answered(answerer: Answerer, block: Sequence[Case], options: Mapping[str, Json] | None) -> Iterator[Told]:
    """Answer series together; where one is broken, each alone."""
    try:
        request = answerer.encoder.request([row for _, rows in block for row in rows], options)
    except BrokenContract as error:
        if len(block) > 1:
            for case in block:
                yield from _answered(answerer, [case], options)
            return
        ((index, rows),) = block
        yield index, rows, [_refused(answerer.contract, rows, error)], error
        return
    predictions = answerer.answer([request])[0].predictions
    for (index, rows), prediction in zip(block, predictions, strict=True):
        yield index, rows, _flat(answerer.contract, rows, prediction), None


def _flat(contract: Contract, rows: Sequence[Record], prediction: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return one record for each step."""
    ids = _ids(contract, rows)
    flags = dict.fromkeys(f"{flag['column']}:{flag['rule']}" for flag in prediction.get("flags", ()))
    return [
        {
            **ids,
            "at": at,
            **{
                name: value
                for output in contract.outputs
                for name, value in _cells(output, prediction[output.name], step)
            },
            "flags": ";".join(flags),
            "error": "",
        }
        for step, at in enumerate(prediction["at"])
    ]


def _cells(output: Output, value: Json, step: int) -> list[tuple[str, Json]]:
    has_steps = output.axes[:1] == ("step",)
    if is_labelled(output):
        return [
            (f"{output.name}.{label}", value[label][step] if has_steps else value[label]) for label in output.labels
        ]
    return [(output.name, value[step] if has_steps else value)]


def _refused(contract: Contract, rows: Sequence[Record], error: BrokenContract) -> dict[str, Json]:
    said = "; ".join(f"{cell.column}={cell.value} ({cell.rule})" for cell in error.cells)
    return {**dict.fromkeys(columns(contract)), **_ids(contract, rows), "flags": "", "error": said or error.what}


def _ids(contract: Contract, rows: Sequence[Record]) -> dict[str, Json]:
    return {column.name: text(rows[0].get(column.name)) for column in contract.having("id")}
