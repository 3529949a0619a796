"""What a notebook and a terminal show of an object: a fragment with scoped style, and its twin in plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seaway.report import look
from seaway.report.elements import facts
from seaway.report.markup import Html, join, tag
from seaway.report.tables import Cell, table
from seaway.report.text import NONE, column, line, shorten, width

# A terminal's line and a table's cell: longer text is cut in the middle.
_CELL = 40

# A background of its own, as the notebook's may be light where the system's theme is dark; and no stripes of the notebook's.
_FRAME = (
    ".sw-notebook{background:var(--paper);padding:10px 14px;border-radius:8px;overflow-x:auto}"
    ".sw-notebook>h3{margin-top:0}"
    ".sw-notebook.sw tbody tr:not(.chosen):not(:hover){background:none}"
)


def html(*content: object) -> str:
    """The parts for `_repr_html_`: their style reaches nothing else in the notebook, and no script runs."""
    style = Html(f"<style>{look.content_style()}{_FRAME}</style>")
    return tag("div", style, *content, class_="sw sw-notebook")


def summary(
    title: str, pairs: Mapping[str, object], columns: Sequence[str] = (), rows: Sequence[Sequence[Cell]] = ()
) -> str:
    """An object at a glance for `_repr_html_`: its name, facts, and a table where it has one."""
    parts = [tag("h3", title), facts(pairs), table(columns, rows, is_fit=True) if columns else None]
    return html(join(parts))


def plain(
    title: str, pairs: Mapping[str, object], columns: Sequence[str] = (), rows: Sequence[Sequence[Cell]] = ()
) -> str:
    """The same for `__repr__`: no markup, no colour, lines that align in any terminal."""
    names = [line(name) for name in pairs]
    edge = max(map(width, names), default=0)
    lines = [
        line(title),
        *(f"  {_padded(name, edge)}  {line(value)}" for name, value in zip(names, pairs.values(), strict=True)),
    ]
    if columns:
        lines += ["", *plain_table(columns, rows)]
    return "\n".join(lines)


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The table's lines: numbers to the right with shared decimals, text to the left, None as a dash."""
    cells = [list(place) for place in zip(*rows, strict=True)] or [[] for _ in columns]
    written = [_column(title, values) for title, values in zip(columns, cells, strict=True)]
    heads, *lines = zip(*written, strict=True)
    rule = ["─" * width(head) for head in heads]
    return ["  " + "  ".join(row).rstrip() for row in (heads, rule, *lines)]


def _column(title: str, values: Sequence[Cell]) -> list[str]:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    is_numeric = bool(numbers) and all(value is None or not isinstance(value, str | bool) for value in values)
    if is_numeric:
        texts = column([None if value is None else float(value) for value in values])
    else:
        texts = [NONE if value is None else shorten(line(value), _CELL) for value in values]
    lines = [line(title), *texts]
    edge = max(map(width, lines))
    return [_padded(text, edge, is_right=is_numeric) for text in lines]


def _padded(text: str, edge: int, *, is_right: bool = False) -> str:
    space = " " * (edge - width(text))
    return space + text if is_right else text + space
