"""The page of `seaway check`: findings, broken cells, and every column as it is distributed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.core.protocols import Rows
from seaway.core.verdict import Verdict, worst
from seaway.data.validate import Validated
from seaway.report import figures, text
from seaway.report.elements import Tile, callout, gallery, prose, tiles
from seaway.report.markup import Html
from seaway.report.page import Section, page, section
from seaway.report.tables import table
from seaway.report.verdicts import verdict_list

CELLS = 100
BY_CLASS = 8
"""With more classes than this a column is drawn as a whole: more outlines than this cannot be told apart."""


def build(
    held: Validated, contract: Contract, verdicts: Sequence[Verdict], *, source: str, project: str, made: float
) -> str:
    """Return the page."""
    rows = held.rows
    outcome = worst(verdicts)
    return page(
        source,
        f"{text.count(len(rows), 'row')} under the contract of project {project}, "
        f"{text.count(len(contract.columns), 'column')}, {text.count(len(contract.having('feature')), 'feature')}.",
        [
            section("At a glance", _tiles(held, contract)),
            section("Findings", verdict_list(verdicts), intro="The gravest first, each with the next step."),
            section("Broken cells", *_cells(held), intro="What the contract refuses, cell by cell."),
            *_target(rows, contract),
            section(
                "Columns",
                _summary(rows, contract),
                intro="What each column holds and is for. Missing counts the words that the contract takes for nothing.",
            ),
            section(
                "Distributions",
                gallery(*(_drawing(rows, column, contract) for column in contract.columns if _is_drawn(column, rows))),
                intro="Of features, by class where there are few classes.",
            ),
        ],
        kind="Data check",
        project=project,
        made=made,
        outcome=outcome,
    )


def _tiles(held: Validated, contract: Contract) -> Html:
    rows = held.rows
    cells = sum(float(rows.column(column.name)[1].mean()) for column in contract.columns if column.name in rows.names)
    return tiles(
        Tile(label="Rows", value=text.integer(len(rows))),
        Tile(label="Features", value=text.integer(len(contract.having("feature")))),
        Tile(label="Missing cells", value=text.percent(cells / max(1, len(contract.columns)))),
        Tile(
            label="Rows that break the contract",
            value=text.integer(len(held.broken)),
            outcome="fail" if len(held.broken) else "pass",
        ),
    )


def _cells(held: Validated) -> list[object]:
    if not held.count:
        return [callout("None", "Every cell is as the contract says.", tone="pass")]
    shown = [(float(cell.row), cell.column, cell.value, cell.rule, cell.fix) for cell in held.cells[:CELLS]]
    return [
        prose(f"{text.count(held.count, 'cell')} in {text.count(len(held.broken), 'row')}; rows count from 0."),
        table(("row", "column", "value", "rule", "what to do"), shown),
    ]


def _target(rows: Rows, contract: Contract) -> list[Section]:
    target = contract.target
    if target is None or target.name not in rows.names:
        return []
    values, missing = rows.column(target.name)
    if contract.classes:
        names, counts = np.unique(values[~missing].astype(str), return_counts=True)
        drawing = figures.bars(
            {target.name: dict(zip(names.tolist(), counts.tolist(), strict=True))}, width=figures.WIDE
        )
    else:
        drawing = figures.histogram({target.name: values[~missing].astype(float)}, unit=target.unit, width=figures.WIDE)
    return [section("What is predicted", drawing, intro=f"The column {target.name}.")]


def _summary(rows: Rows, contract: Contract) -> Html:
    lines = []
    for column in contract.columns:
        if column.name not in rows.names:
            continue
        values, missing = rows.column(column.name)
        known = values[~missing]
        distinct = len(np.unique(known.astype(str) if known.dtype == object else known))
        lines.append(
            (
                column.name,
                column.kind,
                column.role,
                float(distinct),
                text.percent(float(missing.mean()) if len(missing) else 0.0),
                _expected(column),
                ", ".join(word for rule in column.clean for word in getattr(rule, "words", ())) or None,
            )
        )
    return table(("column", "kind", "role", "distinct", "missing", "expected", 'words for "missing"'), lines)


def _expected(column: Column) -> str | None:
    if column.categories:
        more = "" if len(column.categories) <= 6 else f" and {len(column.categories) - 6} more"
        return ", ".join(column.categories[:6]) + more
    if column.range:
        return f"{text.number(column.range[0])} to {text.number(column.range[1])} {column.unit}".strip()
    return None


def _is_drawn(column: Column, rows: Rows) -> bool:
    return column.role in ("feature", "time") and column.name in rows.names and column.kind != "text"


def _drawing(rows: Rows, column: Column, contract: Contract) -> Html:
    values, missing = rows.column(column.name)
    groups = _groups(rows, contract)
    if column.kind == "category":
        counted = {
            name: _counts(np.where(missing[where], "(missing)", values[where].astype(str)))
            for name, where in groups.items()
        }
        return figures.bars(counted, title=column.name)
    if column.kind == "time":
        years = values.astype("datetime64[s]").astype(np.int64).astype(float)
        years[missing] = np.nan
        known = years[~np.isnan(years)]
        edges = np.linspace(known.min(), known.max() + 1, 31) if len(known) else np.array([0.0, 1.0])
        return figures.binned(edges, {column.name: np.histogram(known, edges)[0]}, title=column.name, is_time=True)
    numbers = values.astype(float)
    numbers[missing] = np.nan
    return figures.histogram(
        {name: numbers[where] for name, where in groups.items()}, title=column.name, unit=column.unit
    )


def _groups(rows: Rows, contract: Contract) -> dict[str, Array]:
    """Return the rows of each class, or all rows under one name."""
    target = contract.target
    everything = {"rows": np.ones(len(rows), dtype=bool)}
    if target is None or not 2 <= len(contract.classes) <= BY_CLASS or target.name not in rows.names:
        return everything
    values, missing = rows.column(target.name)
    texts = values.astype(str)
    return {name: ~missing & (texts == name) for name in contract.classes} or everything


def _counts(values: Array) -> dict[str, float]:
    names, counts = np.unique(values, return_counts=True)
    return dict(zip(names.tolist(), counts.astype(float).tolist(), strict=True))
