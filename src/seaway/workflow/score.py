"""`seaway score`: the served answers over a file, written beside the ids: one row for each row, of series one for each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seaway.core import chance
from seaway.core.answer import Answerer
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.errors import Cell
from seaway.core.protocols import Rows
from seaway.data import blocks, prepared, read, write
from seaway.data.sources.address import Address
from seaway.lab.progress import Progress, Silent
from seaway.serve import offline, offline_series
from seaway.workflow.bundles import answerer
from seaway.workflow.sent import as_sent, typed
from seaway.workflow.workspace import Workspace


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
    """Answer every case of a CSV or Parquet file; a refused one stands in its place with the reason.

    `target` (CSV or Parquet by its suffix) is there when all of it is done, and not before. Memory holds one block; where
    rows of one case may stand anywhere in the file (series, or rows that a recipe makes), it holds the file.
    """
    write.refuse_unwritable(target, source=source)
    opened = answerer(workspace, reference)
    kinds = _kinds(opened.contract)
    total, shown, began = blocks.about(source), progress or Silent(), chance.monotonic()
    with write.table(target, kinds) as sink:

        def take(found: list[dict[str, Json]]) -> None:
            sink.write({name: [record[name] for record in found] for name in kinds})

        def show(rows: int) -> None:
            left = (chance.monotonic() - began) * max(0, total - rows) / rows
            shown.step(rows, max(rows, total), f"{rows:,} rows answered", left)

        if opened.contract.series is None:
            rows = (typed(block, opened.contract) for block in _blocks(workspace, source, opened.contract))
            done = offline.score(opened, rows, take, progress=show)
        else:
            done = offline_series.score(opened, _cases(source, opened), take, progress=show)
    return Scored(rows=done.rows, refused=done.refused, cells=done.cells, seconds=done.seconds, release=opened.digest)


def _blocks(workspace: Workspace, source: str | Path | Address, contract: Contract) -> Iterator[Rows]:
    """Yield the rows block by block; a recipe makes its rows of the whole file."""
    if workspace.settings.project.recipe:
        yield prepared.table(source, workspace.settings, contract)
    else:
        yield from blocks.blocks(source)


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
