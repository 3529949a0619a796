"""How results look: tables for people, one JSON document for programs, exit codes for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from seaway.core.errors import BrokenContract, Cell, SeawayError
from seaway.core.verdict import Verdict

MARKS = {"pass": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red"), "not-applicable": ("–", "dim")}
SHOWN_CELLS = 20

WIDE = 200
"""Columns where nothing says how wide the terminal is: a file or pipe has no edge to fold at."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
log = Console(stderr=True, highlight=False, soft_wrap=True)


def emit(document: Any, render: Callable[[], None], *, as_json: bool) -> None:
    """Print one JSON document, or let `render` print for people."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(document, enc_hook=_plain).decode() + "\n")
        sys.stdout.flush()
    else:
        render()


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    return str(value)


def harmless(text: object) -> str:
    """Return a text that cannot steer a terminal: names and values of data may hold escape sequences."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in str(text)
    )


def short(subject: str) -> str:
    """Return the first digits of a digest, and any other subject whole."""
    return subject[:12] if len(subject) == 64 and set(subject) <= set("0123456789abcdef") else subject


def say(text: str, *, style: str = "") -> None:
    """Print one line for people; `text` is taken literally."""
    out.print(Text(harmless(text), style=style))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """Print a table; columns named in `numbers` are aligned to the right."""
    drawn = Table(title=escape(title) if title else None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*[escape(harmless(cell)) for cell in row])
    out.print(drawn)


def verdicts(found: Iterable[Verdict], *, all_of_them: bool = True) -> None:
    """Print findings, one line each, with the next step under those that are not passes."""
    for verdict in found:
        if not all_of_them and verdict.outcome in ("pass", "not-applicable"):
            continue
        mark, style = MARKS[verdict.outcome]
        line = Text.assemble(
            (f" {mark} ", style),
            (f"{verdict.code} ", "bold"),
            (f"{short(harmless(verdict.subject))}: ", "cyan"),
            harmless(verdict.message),
        )
        out.print(line)
        if verdict.fix and verdict.outcome in ("warn", "fail"):
            out.print(Text(f"        → {harmless(verdict.fix)}", style="dim"))


def cells(broken: Sequence[Cell]) -> None:
    """Print the first broken cells, and of lines that are no row what is wrong with them."""
    for cell in broken[:SHOWN_CELLS]:
        say(f"   {_spelled(cell)}", style="red")


def _spelled(cell: Cell) -> str:
    if cell.rule == "ragged":
        return f"row {cell.row}: {cell.column} {cell.fix} It is {cell.value}"
    return f"row {cell.row}, {cell.column}: {cell.value} breaks {cell.rule}. {cell.fix}"


def complain(error: SeawayError, *, as_json: bool) -> None:
    """Print an error on stderr (and as a document on stdout under --json): what, where, what to do."""
    if as_json:
        cells = error.cells if isinstance(error, BrokenContract) else ()
        document = {"code": error.code, "message": error.what, "where": error.where, "fix": error.fix, "cells": cells}
        sys.stdout.write(msgspec.json.encode({"error": document}).decode() + "\n")
        return
    place = f"  ({harmless(error.where)})" if error.where else ""
    log.print(Text.assemble(("error: ", "bold red"), harmless(error.what), (place, "dim")))
    if isinstance(error, BrokenContract):
        for cell in error.cells[:SHOWN_CELLS]:
            log.print(Text(harmless(f"  {_spelled(cell)}")))
        if error.count > SHOWN_CELLS:
            log.print(Text(f"  and {error.count - SHOWN_CELLS} more cells"))
    if error.fix:
        log.print(Text.assemble(("what to do: ", "bold"), harmless(error.fix)))
