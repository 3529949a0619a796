"""Coded checks of data: one per file, four outcomes, each finding with its evidence and the next step.

Add one: write `checks/<idea>.py` with `CODE` and `check(subject)`, give it the next free code, list it here.
"""

from __future__ import annotations

from collections.abc import Collection

from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Rows
from seaway.core.verdict import Verdict
from seaway.data.checks import (
    cardinality,
    cells,
    classes,
    combination,
    constant,
    duplicates,
    identifier,
    leak,
    merging,
    missing,
    mixed,
    outliers,
    overlap,
    persons,
    series,
)
from seaway.data.checks.subject import DataCheck, Subject
from seaway.data.rows import Table
from seaway.data.validate import validate

CHECKS: tuple[DataCheck, ...] = (
    DataCheck("D001", "identifier-like columns", identifier.check),
    DataCheck("D002", "a column that gives the target away", leak.check),
    DataCheck("D003", "columns that together give the target away", combination.check),
    DataCheck("D004", "constant columns", constant.check),
    DataCheck("D005", "duplicate rows", duplicates.check),
    DataCheck("D006", "test rows that were learnt from", overlap.check),
    DataCheck("D007", "mixed types", mixed.check),
    DataCheck("D008", "missing cells", missing.check),
    DataCheck("D009", "rare classes", classes.check),
    DataCheck("D010", "outliers", outliers.check),
    DataCheck("D011", "high cardinality", cardinality.check),
    DataCheck("D012", "values merged by the encoding", merging.check),
    DataCheck("D013", "personal data", persons.check),
    DataCheck("D014", "cells that break the contract", cells.check),
    *(DataCheck(code, title, series.check_of(code, finding)) for code, (title, finding) in series.CHECKS.items()),
)


def run(subject: Dataset | tuple[Rows, Contract], *, only: Collection[str] = ()) -> list[Verdict]:
    """Run every check (or `only` those codes) on a data set, or on rows as read with their contract."""
    looked_at = _subject(subject)
    return [verdict for check in CHECKS if not only or check.code in only for verdict in check(looked_at)]


def _subject(subject: Dataset | tuple[Rows, Contract]) -> Subject:
    if isinstance(subject, Dataset):
        rows = subject.rows if isinstance(subject.rows, Table) else validate(subject.rows, subject.contract).rows
        return Subject(rows=rows, contract=subject.contract, split=subject.split)
    rows_as_read, contract = subject
    found = validate(rows_as_read, contract)
    raw = rows_as_read if isinstance(rows_as_read, Table) else None
    return Subject(rows=found.whole, contract=contract, raw=raw, found=found)
