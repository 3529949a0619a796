"""The page of `seaway check`: findings, broken cells, and every column as it is distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seaway.core.contract import Blank, Column, Contract
from seaway.core.errors import Cell
from seaway.core.verdict import Verdict, worst
from seaway.data import describe
from seaway.data.describe import Description
from seaway.data.validate import Validated
from seaway.report import figures, text
from seaway.report.elements import Tile, callout, gallery, prose, tiles
from seaway.report.markup import Html
from seaway.report.page import Section, page, section
from seaway.report.tables import table
from seaway.report.verdicts import verdict_list
from seaway.workflow import check_series

CELLS = 100


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What the page shows of the data: counts over all rows, the first broken cells, columns by name as distributed.

    `note` says what is not exact, if anything.
    """

    rows: int
    broken: int
    count: int
    cells: Sequence[Cell]
    described: Mapping[str, Description]
    series: Sequence[Section] = ()
    note: str = ""


def looked(held: Validated, contract: Contract) -> Looked:
    """Return what the page shows of rows that are all in memory."""
    return Looked(
        rows=len(held.rows),
        broken=len(held.broken),
        count=held.count,
        cells=held.cells,
        described={one.name: one for one in describe.describe(held.rows, contract)},
        series=check_series.sections(held.rows, contract),
    )


def build(
    held: Looked, contract: Contract, verdicts: Sequence[Verdict], *, source: str, project: str, made: float
) -> str:
    """Return the page."""
    described = held.described
    return page(
        source,
        f"{text.count(held.rows, 'row')} under the contract of project {project}, "
        f"{text.count(len(contract.columns), 'column')}, {text.count(len(contract.having('feature')), 'feature')}.{held.note}",
        [
            section("At a glance", _tiles(held, described, contract)),
            section("Findings", verdict_list(verdicts), intro="The gravest first, each with the next step."),
            section("Broken cells", *_cells(held), intro="What the contract refuses, cell by cell."),
            *held.series,
            *_target(described, contract),
            section(
                "Columns",
                _summary(described, contract),
                intro="What each column holds and is for. Missing counts the words that the contract takes for nothing.",
            ),
            section(
                "Distributions",
                gallery(
                    *(
                        _drawing(described[column.name], column)
                        for column in contract.columns
                        if _is_drawn(column, described)
                    )
                ),
                intro="Of features, by class where there are few classes.",
            ),
        ],
        kind="Data check",
        project=project,
        made=made,
        outcome=worst(verdicts),
    )


def _tiles(held: Looked, described: Mapping[str, Description], contract: Contract) -> Html:
    cells = sum(one.missing for one in described.values()) / max(1, sum(one.rows for one in described.values()))
    return tiles(
        Tile(label="Rows", value=text.integer(held.rows)),
        Tile(label="Features", value=text.integer(len(contract.having("feature")))),
        Tile(label="Missing cells", value=text.percent(cells)),
        Tile(
            label="Rows that break the contract",
            value=text.integer(held.broken),
            outcome="fail" if held.broken else "pass",
        ),
    )


def _cells(held: Looked) -> list[object]:
    if not held.count:
        return [callout("None", "Every cell is as the contract says.", tone="pass")]
    shown = [(float(cell.row), cell.column, cell.value, cell.rule, cell.fix) for cell in held.cells[:CELLS]]
    return [
        prose(f"{text.count(held.count, 'cell')} in {text.count(held.broken, 'row')}; rows count from 0."),
        table(("row", "column", "value", "rule", "what to do"), shown),
    ]


def _target(described: Mapping[str, Description], contract: Contract) -> list[Section]:
    target = contract.target
    if target is None or target.name not in described:
        return []
    one = described[target.name]
    plain = replace(one, by_class={})
    return [section("What is predicted", _drawing(plain, target, wide=True), intro=f"The column {target.name}.")]


def _summary(described: Mapping[str, Description], contract: Contract) -> Html:
    lines = [
        (
            column.name,
            column.kind,
            column.role,
            float(one.distinct),
            text.percent(one.missing / max(1, one.rows)),
            _expected(column, contract),
            _blanks(column),
        )
        for column in contract.columns
        if (one := described.get(column.name))
    ]
    return table(("column", "kind", "role", "distinct", "missing", "expected", 'words for "missing"'), lines)


def _blanks(column: Column) -> str | None:
    words = [word for rule in column.clean if isinstance(rule, Blank) for word in rule.words]
    return ", ".join(f'"{word}"' if word else "white space" for word in words) or None


def _expected(column: Column, contract: Contract) -> str | None:
    categories = contract.classes if column.role == "target" else column.categories
    if categories:
        more = "" if len(categories) <= 6 else f" and {len(categories) - 6} more"
        return ", ".join(categories[:6]) + more
    if column.range:
        return f"{text.number(column.range[0])} to {text.number(column.range[1])} {column.unit}".strip()
    return None


def _is_drawn(column: Column, described: Mapping[str, Description]) -> bool:
    return column.role in ("feature", "time") and column.name in described and bool(described[column.name].counts)


def _drawing(one: Description, column: Column, *, wide: bool = False) -> Html:
    """Draw a column as described: bars of categories, or a histogram; by class where the target has few."""
    width = figures.WIDE if wide else figures.HALF
    series = one.by_class or {one.name: one.counts}
    if one.labels:
        counted = {name: dict(zip(one.labels, map(float, counts), strict=True)) for name, counts in series.items()}
        return figures.bars(counted, title=one.name, width=width)
    missing = {} if one.by_class else {one.name: float(one.missing)}
    return figures.binned(
        one.edges,
        {name: np.asarray(counts) for name, counts in series.items()},
        missing=missing or None,
        title=one.name,
        unit=column.unit,
        is_time=column.kind == "time",
        width=width,
    )
