"""Matrices as shaded cells: confusion of classes, association of columns, differences of groups.

Large ones drop their numbers before their shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seaway.report.figures.canvas import HALF, draw, empty, frame
from seaway.report.figures.letters import fit, label, measure
from seaway.report.markup import Html, coordinate, join, tag
from seaway.report.palette import HEAT, STRONG_DIVERGING, STRONG_HEAT
from seaway.report.text import MINUS, fixed, integer, number, percent

Floats = npt.NDArray[np.float64]

_LARGEST_CELL, _NUMBER_CELL = 64.0, 30.0
_ROW_NAMES, _COLUMN_NAMES = 13.0, 18.0  # pixels from one name to the next; slanted ones need more
_KEY = 30.0
_FAR = 2.0  # standard deviations at which the shades of differences end
_TIPS = 900  # cells with a tooltip of their own; larger matrices have one for each row


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """A matrix to draw: the shade of each cell (none where negative), its text and its tooltip."""

    rows: Sequence[str]
    columns: Sequence[str]
    shades: npt.NDArray[np.int64]
    ramp: str
    strong: Callable[[int], bool]
    text: Callable[[int, int], str]
    tip: Callable[[int, int], str]
    row_tip: Callable[[int], str]
    ends: tuple[str, str]


def confusion(labels: Sequence[str], counts: npt.ArrayLike, *, title: str = "Confusion", width: float = HALF) -> Html:
    """Rows are the true classes, columns the predicted ones; the shade is the share of the true class."""
    matrix = _square(labels, counts)
    if not matrix.sum():
        return empty(title, "No rows", width=width)
    if np.any(~np.isfinite(matrix)) or np.any(matrix < 0):
        raise ValueError("a confusion matrix holds counts, finite and not negative")
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    right = float(np.trace(matrix) / matrix.sum())

    def row_tip(i: int) -> str:
        wrong = np.where(np.arange(len(labels)) == i, -1.0, matrix[i])
        often = int(np.argmax(wrong))
        taken = f"\nmost often taken for {labels[often]} ({integer(int(wrong[often]))})" if wrong[often] > 0 else ""
        return f"{labels[i]}: {integer(int(totals[i, 0]))} rows, {percent(shares[i, i])} right{taken}"

    grid = _Grid(
        rows=labels,
        columns=labels,
        # The palest step is nearly paper: a single mistake must be seen.
        shades=np.where(matrix > 0, 1 + np.minimum((shares * (HEAT - 1)).astype(np.int64), HEAT - 2), -1),
        ramp="h",
        strong=lambda step: step >= STRONG_HEAT,
        text=lambda i, j: integer(int(matrix[i, j])) if matrix[i, j] else "",
        tip=lambda i, j: (
            f"true {labels[i]}, predicted {labels[j]}\n{integer(int(matrix[i, j]))} rows, {percent(shares[i, j])} of {labels[i]}"
        ),
        row_tip=row_tip,
        ends=("0%", "100% of the true class"),
    )
    notes = ["rows: true class · columns: predicted class"]
    return _draw(
        grid, title, f"Confusion matrix of {len(labels)} classes, {percent(right)} of rows right", notes, width
    )


def association(
    names: Sequence[str], values: npt.ArrayLike, *, title: str = "Association", width: float = HALF, note: str = ""
) -> Html:
    """Pairwise association in [-1, 1] (correlation) or [0, 1] (Cramer's V, mutual information); NaN is left blank."""
    matrix = _square(names, values)
    if not len(names):
        return empty(title, "No columns", width=width)
    known = np.isfinite(matrix)
    if np.any(np.abs(matrix[known]) > 1 + 1e-9):
        raise ValueError(f"association lies in [-1, 1], got {number(float(np.max(np.abs(matrix[known]))))}")
    clean = np.where(known, np.clip(matrix, -1.0, 1.0), 0.0)
    is_signed = bool(np.any(clean < 0))
    steps = np.rint((clean + 1) / 2 * (HEAT - 1)) if is_signed else np.rint(clean * (HEAT - 1))
    apart = np.where(np.eye(len(names), dtype=bool), 0.0, np.abs(clean))
    i, j = divmod(int(np.argmax(apart)), len(names))
    strongest = f"strongest: {names[i]} and {names[j]}, {fixed(clean[i, j], 2)}" if len(names) > 1 else ""

    def row_tip(i: int) -> str:
        most = int(np.argmax(apart[i]))
        return f"{names[i]}: most associated with {names[most]} ({fixed(clean[i, most], 2)})"

    grid = _Grid(
        rows=names,
        columns=names,
        shades=np.where(known, steps, -1).astype(np.int64),
        ramp="d" if is_signed else "h",
        strong=(lambda step: step in STRONG_DIVERGING) if is_signed else (lambda step: step >= STRONG_HEAT),
        text=lambda i, j: fixed(clean[i, j], 2) if known[i, j] else "",
        tip=lambda i, j: f"{names[i]} and {names[j]}: {fixed(clean[i, j], 3)}",
        row_tip=row_tip,
        ends=(f"{MINUS}1", "1") if is_signed else ("0", "1"),
    )
    return _draw(grid, title, f"Association of {len(names)} columns; {strongest}", [note], width)


def differences(
    groups: Sequence[str],
    columns: Sequence[str],
    values: npt.ArrayLike,
    *,
    title: str = "Differences",
    width: float = HALF,
    note: str = "",
) -> Html:
    """How far each group (across) lies from the mean of all in each column (down), in standard deviations.

    `values` (groups, columns); shades end at two either way.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.shape != (len(groups), len(columns)):
        raise ValueError(f"the matrix is {matrix.shape} for {len(groups)} groups and {len(columns)} columns")
    known = np.isfinite(matrix)
    if not known.any():
        return empty(title, "No values", width=width)
    clean = np.where(known, matrix, 0.0)
    steps = np.rint((np.clip(clean / _FAR, -1.0, 1.0) + 1) / 2 * (HEAT - 1))
    i, j = divmod(int(np.argmax(np.abs(clean))), len(columns))

    def row_tip(j: int) -> str:
        most = int(np.argmax(np.abs(clean[:, j])))
        return f"{columns[j]}: furthest in {groups[most]} ({fixed(clean[most, j], 2)})"

    grid = _Grid(
        rows=columns,
        columns=groups,
        shades=np.where(known, steps, -1).astype(np.int64).T,
        ramp="d",
        strong=lambda step: step in STRONG_DIVERGING,
        text=lambda j, i: fixed(clean[i, j], 1) if known[i, j] else "",
        tip=lambda j, i: f"{groups[i]}, {columns[j]}: {fixed(clean[i, j], 2)} standard deviations from the mean",
        row_tip=row_tip,
        ends=(f"{MINUS}{_FAR:g}", f"{_FAR:g} standard deviations"),
    )
    furthest = f"furthest: {groups[i]} in {columns[j]}, {fixed(clean[i, j], 2)}"
    return _draw(
        grid, title, f"Differences of {len(groups)} groups in {len(columns)} columns; {furthest}", [note], width
    )


def _square(names: Sequence[str], values: npt.ArrayLike) -> Floats:
    matrix = np.asarray(values, dtype=np.float64)
    if not len(names):
        return np.zeros((0, 0))
    if matrix.shape != (len(names), len(names)):
        raise ValueError(
            f"the matrix is {matrix.shape} for {len(names)} names; it must be square, one row and column for each"
        )
    return matrix


def _draw(grid: _Grid, title: str, description: str, notes: Sequence[str], width: float) -> Html:
    left = min(width * 0.34, max(measure(name) for name in grid.rows) + 12)
    cell = min(_LARGEST_CELL, (width - left - 8) / len(grid.columns))
    is_slanted = any(measure(name) > cell - 4 for name in grid.columns)
    longest = max(measure(name) for name in grid.columns)
    heads = min(left, longest + 8) * 0.72 + 10 if is_slanted else 20.0
    inner = heads + cell * len(grid.rows) + _KEY
    area = frame(title, width=width, inner=inner, left=left, notes=notes, has_ticks=False)
    top = area.top + heads
    every = max(1, math.ceil(_ROW_NAMES / cell))
    rows = [
        label(grid.rows[i], left - 8, top + (i + 0.5) * cell + 4, anchor="end", room=left - 8)
        for i in range(0, len(grid.rows), every)
    ]
    every = max(1, math.ceil((_COLUMN_NAMES if is_slanted else _ROW_NAMES) / cell))
    columns = [
        _head(grid.columns[j], left + (j + 0.5) * cell, top - 7, left if is_slanted else None)
        for j in range(0, len(grid.columns), every)
    ]
    is_large = grid.shades.size > _TIPS
    cells = _large(grid, left, top, cell) if is_large else _small(grid, left, top, cell)
    return draw(area, description, *rows, *columns, cells, _key(grid, left, top + cell * len(grid.rows) + 14))


def _head(name: str, x: float, y: float, slant: float | None) -> Html:
    """A column's name over it; a slanted one runs down to its column from the left, where there is always room."""
    if slant is None:
        return label(name, x, y, anchor="middle")
    shown = fit(name, slant)
    whole = tag("title", name) if shown != name else None
    turn = f"rotate(45 {coordinate(x)} {coordinate(y)})"
    return tag("text", whole, shown, x=x, y=y, class_="tick", text_anchor="end", transform=turn)


def _key(grid: _Grid, left: float, y: float) -> Html:
    """Which shade means what, from one end to the other."""
    start = left + measure(grid.ends[0]) + 8
    first = 0 if grid.ramp == "d" or grid.ends[0] == "0" else 1
    steps = [
        tag("rect", x=start + 16 * place, y=y, width=16, height=9, class_=f"fill-{grid.ramp}{step}")
        for place, step in enumerate(range(first, HEAT))
    ]
    low = label(grid.ends[0], left, y + 9, look="note")
    high = label(grid.ends[1], start + 16 * len(steps) + 8, y + 9, look="note")
    return tag("g", low, *steps, high, class_="key")


def _small(grid: _Grid, left: float, top: float, cell: float) -> Html:
    """Every cell with its tooltip, and its number where it fits."""
    marks = []
    for i, j in np.argwhere(grid.shades >= 0).tolist():
        step = int(grid.shades[i, j])
        x, y = left + j * cell, top + i * cell
        tip = tag("title", grid.tip(i, j))
        marks.append(tag("rect", tip, x=x, y=y, width=cell - 1, height=cell - 1, class_=f"cell fill-{grid.ramp}{step}"))
        text = grid.text(i, j)
        if cell >= _NUMBER_CELL and measure(text, 11) <= cell - 4:
            look = "small on-strong" if grid.strong(step) else "small"
            place = {"x": x + cell / 2 - 0.5, "y": y + cell / 2 + 3.5}
            marks.append(tag("text", text, **place, class_=look, text_anchor="middle", pointer_events="none"))
    return tag("g", *marks, class_="cells")


def _large(grid: _Grid, left: float, top: float, cell: float) -> Html:
    """One path for each shade and one tooltip for each row: thousands of cells in a few kilobytes."""
    side = coordinate(cell - (0.5 if cell > 4 else 0.0))
    marks = []
    for step in np.unique(grid.shades[grid.shades >= 0]).tolist():
        places = np.argwhere(grid.shades == step).tolist()
        path = "".join(f"M{left + j * cell:.1f} {top + i * cell:.1f}h{side}v{side}h-{side}z" for i, j in places)
        marks.append(tag("path", d=path, class_=f"fill-{grid.ramp}{step}"))
    wide = cell * len(grid.columns)
    for i in range(len(grid.rows)):
        tip = tag("title", grid.row_tip(i))
        marks.append(tag("rect", tip, x=left, y=top + i * cell, width=wide, height=cell, class_="hit"))
    return join((tag("g", *marks, class_="cells"),))
