"""`seaway score`: the served answers over a file of any size, written beside the ids, one row for each row of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seaway.core import chance
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.errors import Cell
from seaway.data import blocks, write
from seaway.data.rows import Table
from seaway.data.validate import validate
from seaway.lab.progress import Progress, Silent
from seaway.serve import offline
from seaway.workflow.release import answerer
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
    workspace: Workspace, source: Path, target: Path, *, reference: str = "", progress: Progress | None = None
) -> Scored:
    """Answer every row of a CSV or Parquet file; a refused row stands in its place with the reason.

    `target` (CSV or Parquet by its suffix) is there when all of it is done, and not before. Memory holds one block.
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

        done = offline.score(opened, _as_sent(blocks.blocks(source), opened.contract), take, progress=show)
    return Scored(rows=done.rows, refused=done.refused, cells=done.cells, seconds=done.seconds, release=opened.digest)


def _kinds(contract: Contract) -> dict[str, write.Kind]:
    """Return the columns of the answers: numbers of the outputs as numbers, all else as text."""
    numbers = tuple(output.name for output in contract.outputs if output.kind == "number")
    named = offline.columns(contract)
    return {
        name: "number" if name in numbers or name.startswith(tuple(f"{one}." for one in numbers)) else "text"
        for name in named
    }


def _as_sent(pieces: Iterable[Table], contract: Contract) -> Iterator[list[dict[str, Json]]]:
    """Yield rows as a client would send them: a file's texts typed by the contract, cells that break it as they stand.

    What is no value of its kind goes to the model's own encoder as it is, which then refuses it: who refuses is one place.
    """
    target = contract.target
    for piece in pieces:
        asked = Table(piece.frame.drop(target.name, strict=False), piece.formats) if target else piece
        found = validate(asked, contract, cap=len(asked) * len(contract.columns))
        records: list[dict[str, Any]] = found.rows.records()
        for cell in found.cells:
            if cell.rule not in KEPT:
                records[cell.row][cell.column] = asked.frame.item(cell.row, cell.column)
        yield records


KEPT = frozenset({"null", "range"})
"""Rules that a cell breaks with a value of the right kind (or none): what typing made of it breaks them too."""
