"""`seaway score`: the served answers over a file, written beside the ids: one row for each row, of series one for each step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from seaway.core import chance
from seaway.core.ahead import ahead
from seaway.core.answer import Answerer
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.errors import Cell
from seaway.data import blocks, prepared, read, write
from seaway.data.pieces import Piece
from seaway.data.sources.address import Address
from seaway.lab.progress import Progress, Silent
from seaway.serve import offline, offline_series
from seaway.serve.offline import Found
from seaway.workflow.bundles import answerer
from seaway.workflow.sent import as_sent, parted
from seaway.workflow.workspace import Workspace

ROWS = 20_000
"""Rows answered at once."""
MANY = 100_000
"""Rows from which it pays to open an answerer for every core."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """How many rows were answered and refused, the first cells that were refused, and by which release."""

    rows: int
    refused: int
    cells: tuple[Cell, ...]
    seconds: float
    release: str


def score(
    workspace: Workspace,
    source: str | Path | Address,
    target: Path,
    *,
    reference: str = "",
    progress: Progress | None = None,
) -> Scored:
    """Answer every case of a file or address; a refused one stands in its place with the reason, a torn line too.

    `target` (CSV, JSON lines, Parquet or Arrow by its suffix) is there when all of it is done, and not before. Memory holds a few pieces; where
    rows of one case may stand anywhere in the file (series, or rows that a recipe makes), it holds the file.
    """
    write.refuse_unwritable(target, source=source)
    opened = answerer(workspace, reference)
    kinds = _kinds(opened.contract)
    total, shown, began = blocks.about(source), progress or Silent(), chance.monotonic()

    def show(rows: int) -> None:
        left = (chance.monotonic() - began) * max(0, total - rows) / max(1, rows)
        shown.step(rows, max(rows, total), f"{rows:,} rows answered", left)

    with write.table(target, kinds) as sink:
        if opened.contract.series is None:
            done = offline.gather(_found(workspace, source, opened, reference, total), sink.write, show)
        else:
            done = offline_series.score(opened, _cases(source, opened), _by_record(sink, kinds), progress=show)
    return Scored(rows=done.rows, refused=done.refused, cells=done.cells, seconds=done.seconds, release=opened.digest)


def _found(
    workspace: Workspace, source: str | Path | Address, opened: Answerer, reference: str, total: int
) -> Iterator[Found]:
    """Answer piece by piece, on all cores where there is enough to do: an answerer is used by one thread at a time."""
    free: SimpleQueue[Answerer] = SimpleQueue()
    threads = len(os.sched_getaffinity(0)) if total >= MANY else 1
    for one in (opened, *(answerer(workspace, reference) for _ in range(threads - 1))):
        free.put(one)

    def answered(piece: Piece) -> Found:
        one = free.get()
        try:
            return offline.answered(one, parted(piece, one.contract))
        finally:
            free.put(one)

    yield from ahead(answered, _pieces(workspace, source, opened.contract), threads)


def _pieces(workspace: Workspace, source: str | Path | Address, contract: Contract) -> Iterator[Piece]:
    """Yield the rows piece by piece; a recipe makes its rows of the whole file."""
    if not workspace.settings.project.recipe:
        yield from blocks.pieces(source, rows=ROWS)
        return
    table = read.table(prepared.table(source, workspace.settings, contract))
    for start in range(0, len(table), ROWS):
        yield Piece(rows=table.take(np.arange(start, min(start + ROWS, len(table)))), first=start)


def _by_record(sink: write.Sink, kinds: Mapping[str, write.Kind]) -> Callable[[list[dict[str, Json]]], None]:
    return lambda found: sink.write({name: [record[name] for record in found] for name in kinds})


def _cases(source: str | Path | Address, opened: Answerer) -> Iterator[offline_series.Case]:
    """Yield the rows of each series together, in the order in which the series first appear."""
    table = read.table(source)
    records = as_sent(table, opened.contract)
    case = opened.encoder.cases(table)
    order = np.argsort(case, kind="stable")
    starts = np.flatnonzero(np.diff(case[order], prepend=-1))
    groups = sorted(np.split(order, starts[1:]), key=lambda rows: int(rows[0]))
    yield from ((rows, [records[row] for row in rows.tolist()]) for rows in groups)


def _kinds(contract: Contract) -> dict[str, write.Kind]:
    """Return the columns of the answers: numbers of the outputs as numbers, all else as text."""
    numbers = tuple(output.name for output in contract.outputs if output.kind == "number")
    named = (offline if contract.series is None else offline_series).columns(contract)
    return {
        name: "number" if name in numbers or name.startswith(tuple(f"{one}." for one in numbers)) else "text"
        for name in named
    }
