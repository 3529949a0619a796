"""Tables: numbers aligned, sortable where a script runs, rows that lead further."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

import numpy as np

from seaway.report.markup import Html, escape, link, tag
from seaway.report.text import NONE, column, count

Cell = str | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """How one column of a table shows. Without `form`, numbers of the column share their decimals."""

    title: str
    form: Callable[[float], str] | None = None
    align: Literal["auto", "left", "number", "mark"] = "auto"
    help: str = ""


def table(
    columns: Sequence[str | Column],
    rows: Sequence[Sequence[Cell]],
    *,
    caption: str = "",
    links: Sequence[str | None] | None = None,
    chosen: int | None = None,
    limit: int = 500,
    is_fit: bool = False,
) -> Html:
    """A table of values; a cell may be `Html` (a badge, a sparkline), and None is shown as a dash and sorts last.

    `links[i]` makes the first cell of row i a link; row `chosen` is set off; rows beyond `limit` are counted, not shown;
    `is_fit` keeps the table as narrow as its content. The first column names the row.
    """
    heads = [head if isinstance(head, Column) else Column(title=head) for head in columns]
    _check_shape(heads, rows, links)
    shown = [_show(head, [row[place] for row in rows[:limit]]) for place, head in enumerate(heads)]
    body = (
        tag(
            "tr",
            *(_cell(cells[i], place, links[i] if links and not place else None) for place, cells in enumerate(shown)),
            class_="chosen" if i == chosen else None,
        )
        for i in range(min(len(rows), limit))
    )
    left_out = len(rows) - limit
    notes = [caption] if caption else []
    if left_out > 0:
        notes.append(f"{count(left_out, 'further row')} not shown.")
    if not rows:
        notes.append("No rows.")
    whole = tag(
        "table",
        tag("caption", " ".join(notes)) if notes else None,
        tag("thead", tag("tr", *(_head(head, cells) for head, cells in zip(heads, shown, strict=True)))),
        tag("tbody", *body),
        class_="sortable fit" if is_fit else "sortable",
    )
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption or heads[0].title)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    content: object
    sort: str | None
    align: str | None


def _show(head: Column, cells: Sequence[Cell]) -> list[_Shown]:
    """One column's cells as they are written, with what they are sorted by."""
    numbers = [float(cell) if _is_number(cell) else None for cell in cells]
    is_numeric = head.align == "number" or (
        head.align == "auto" and any(value is not None for value in numbers) and _only_numbers(cells)
    )
    align = "number" if is_numeric else "mark" if head.align == "mark" else None
    texts = column(numbers) if head.form is None else []
    return [
        _Shown(
            content=_content(head, cell, numbers[i], texts[i] if texts else ""),
            sort=_sort_key(cell, numbers[i]),
            align=align,
        )
        for i, cell in enumerate(cells)
    ]


def _content(head: Column, cell: Cell, value: float | None, text: str) -> object:
    if cell is None or cell == "":
        return tag("span", NONE, class_="muted")
    if value is None:
        return {True: "yes", False: "no"}[cell] if isinstance(cell, bool) else cell
    return head.form(value) if head.form else text


def _sort_key(cell: Cell, value: float | None) -> str | None:
    if cell is None or (value is not None and math.isnan(value)):
        return ""
    return repr(value) if value is not None and math.isfinite(value) else None


def _cell(cell: _Shown, place: int, href: str | None) -> Html:
    content = link(cell.content, href) if href else escape(cell.content)
    if place:
        return tag("td", content, class_=cell.align, data_sort=cell.sort)
    return tag("th", tag("span", content, class_="name"), scope="row", class_=cell.align, data_sort=cell.sort)


def _head(head: Column, cells: Sequence[_Shown]) -> Html:
    align = cells[0].align if cells else None
    return tag("th", head.title, scope="col", class_=align, title=head.help or None)


def _is_number(cell: Cell) -> TypeGuard[float]:
    return isinstance(cell, int | float | np.number) and not isinstance(cell, bool)


def _only_numbers(cells: Sequence[Cell]) -> bool:
    return all(cell is None or cell == "" or _is_number(cell) for cell in cells)


def _check_shape(heads: Sequence[Column], rows: Sequence[Sequence[Cell]], links: Sequence[str | None] | None) -> None:
    for place, row in enumerate(rows):
        if len(row) != len(heads):
            raise ValueError(f"row {place} of the table has {len(row)} cells for {len(heads)} columns")
    if links is not None and len(links) != len(rows):
        raise ValueError(f"the table has {len(links)} links for {len(rows)} rows; give one for each, None for no link")
