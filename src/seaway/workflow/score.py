"""`seaway score`: the served answers over a file of any size, written beside the ids, one row for each row of the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway.core import chance
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.errors import Cell
from seaway.data import blocks, write
from seaway.lab.progress import Progress, Silent
from seaway.serve import offline
from seaway.workflow.bundles import answerer
from seaway.workflow.sent import typed
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

        done = offline.score(
            opened, (typed(block, opened.contract) for block in blocks.blocks(source)), take, progress=show
        )
    return Scored(rows=done.rows, refused=done.refused, cells=done.cells, seconds=done.seconds, release=opened.digest)


def _kinds(contract: Contract) -> dict[str, write.Kind]:
    """Return the columns of the answers: numbers of the outputs as numbers, all else as text."""
    numbers = tuple(output.name for output in contract.outputs if output.kind == "number")
    named = offline.columns(contract)
    return {
        name: "number" if name in numbers or name.startswith(tuple(f"{one}." for one in numbers)) else "text"
        for name in named
    }
