"""One pass over a file of any size: a plan from rows all over it, then every piece counted, side by side and in order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl

from seaway.core.ahead import ahead
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.data import blocks, lines, stream
from seaway.data.pieces import Piece
from seaway.data.rows import Table
from seaway.data.sources import address
from seaway.data.sources.address import Address
from seaway.data.tally import drawn
from seaway.data.tally.drawn import Drawn
from seaway.data.tally.tally import Plan, Tally, plan, tally

PLACES = 64
"""Places of a file at which a sample is read."""
BYTES = 32 << 20
"""Bytes of a sample as text: wide rows make it shorter."""


def look(
    source: str | Path | Address, contract: Contract, *, progress: Callable[[int], None] = lambda rows: None
) -> tuple[Tally, Plan]:
    """Return the figures of all rows, and what they were counted by. Memory holds a few pieces and the drawn rows."""
    sample = spread(source)
    layout = plan(sample, contract, most=_most(sample.frame))
    found: Tally | None = None

    def count(piece: Piece) -> Tally:
        return tally(piece, layout, found)

    threads = len(os.sched_getaffinity(0))
    for one in ahead(count, blocks.pieces(source), threads):
        found = one if found is None else found + one
        progress(found.rows + found.tears)
    if found is None or not found.rows:
        raise BadInput(
            "No line of the file is a row",
            where=str(source),
            fix="Correct the header line, or the lines below it.",
            code="no-rows",
        )
    return found, layout


def spread(source: str | Path | Address, most: int = drawn.MOST) -> Table:
    """Return up to `most` rows from all over a file: of plain text from some places, of all else drawn in a whole pass."""
    named = address.of(source)
    if isinstance(named, Path) and named.is_file() and _is_plain(named) and named.stat().st_size > BYTES:
        return _places(named, most)
    found: Drawn | None = None
    for piece in blocks.pieces(named):
        one = drawn.of(piece.rows.frame, piece.numbers, most=most, limit=found.limit if found else drawn.LAST)
        found = one if found is None else found + one
        most = min(most, _most(found.rows))
        found = Drawn(rows=found.rows, numbers=found.numbers, most=most)
    if found is None or not found.rows.height:
        raise BadInput("There are no rows", where=str(named), fix="Give a table with rows.", code="no-rows")
    return Table(found.settled.rows)


def _most(frame: pl.DataFrame) -> int:
    """Return how many rows like these a sample holds."""
    size = max(1, int(frame.estimated_size()) // max(1, frame.height))
    return min(drawn.MOST, max(1000, 2 * BYTES // size))


def _is_plain(path: Path) -> bool:
    """Say whether rows may be read from the middle: of text that is neither packed nor of two bytes per sign."""
    with path.open("rb") as file:
        head = file.read(stream.HEAD)
    return (
        not head.startswith((b"\x1f\x8b", b"PAR1")) and not stream.marked(head).startswith("utf-16") and b"\n" in head
    )


def _places(path: Path, most: int) -> Table:
    first = next(blocks.pieces(path, chunk=1 << 20)).rows
    size = path.stat().st_size
    with path.open("rb") as file:
        shape, start, _ = blocks.form(file.read(1 << 20).removeprefix(b"\xef\xbb\xbf"), str(path))
        found = []
        for place in range(PLACES):
            file.seek(start + (size - start) * place // PLACES)
            text = file.read(min(BYTES // PLACES, 1 + (size - start) // PLACES))
            if place:  # the first line is cut, whatever it is
                text = text[text.find(b"\n") + 1 :]
            read = lines.read(stream.utf8(text), shape, is_last=False)
            if not read.torn:  # torn lines are told by who reads all of them; here they may come of the cut
                found.append(read.frame.head(1 + most // PLACES))
    frames = [one for one in found if one.height]
    return Table(pl.concat(frames)) if frames else first
