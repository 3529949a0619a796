"""The rows of a rebuild: what the champion learnt from, and the newly labelled cases from the log; the newest of these only judge.

The cut is a moment: cases asked up to it may teach, cases asked after it judge. It never goes back from one update to the next, so what
judges now has taught neither the champion nor the challenger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.data import build, files, infer, read
from seaway.data.rows import Table
from seaway.data.validate import validate
from seaway.monitor.window import Case

JUDGES = 50
"""Fewer judging cases than this score a candidate too loosely; then a share of all rows does, as in the first training."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Which labelled cases teach: those asked up to sequence `asked`, with what was known up to sequence `told`."""

    told: int
    asked: int

    def teaches(self, case: Case) -> bool:
        """Say whether the case may be learnt from."""
        return case.asked <= self.asked and case.told <= self.told and case.row is not None

    def judges(self, case: Case) -> bool:
        """Say whether the case may judge."""
        return case.asked > self.asked and case.row is not None


def cut(cases: Sequence[Case], judging: int, earlier: int) -> Cut:
    """Keep the newest `judging` cases for judgement, at most half of those that are new; `earlier` is the cut of the last update."""
    told = max((case.told for case in cases), default=0)
    asked = sorted(case.asked for case in cases if case.row is not None and case.asked > earlier)
    kept = min(judging, (len(asked) + 1) // 2)
    if not asked:
        return Cut(told=told, asked=earlier)
    # Cases of one request were asked at once and stay together: they teach only if all of them are before the cut.
    first = asked[len(asked) - kept]
    return Cut(told=told, asked=max((one for one in asked if one < first), default=earlier))


def source(project: Project, settings: Settings) -> Dataset:
    """Return the data that people gave the project, as the first training sees them."""
    contract = files.load(project)
    test = project.folder / settings.project.test if settings.project.test else None
    return build.dataset(
        read.table(project.folder / settings.project.data),
        contract,
        settings,
        source=settings.project.data,
        test=read.table(test) if test else None,
    )


def same_source(found: str, learnt: str) -> Verdict:
    """Say whether the source rows are still those that the model's first release learnt from."""
    holds = found == learnt
    return Verdict(
        code="U010",
        outcome="pass" if holds else "fail",
        subject="source",
        message="The source rows are those that the champion learnt from"
        if holds
        else f"The source rows have changed since the champion learnt from them ({found[:12]}, then {learnt[:12]})",
        fix=""
        if holds
        else "Rows added by hand may hold what is to judge: `seaway train` and `seaway release` take them in knowingly.",
        evidence={"found": found, "learnt": learnt},
    )


def dataset(project: Project, settings: Settings, cases: Sequence[Case], known: Cut) -> Dataset:
    """Return old and newly labelled rows under a contract wide enough for both; the judging cases are its test rows."""
    contract = files.load(project)
    old = read.table(project.folder / settings.project.data)
    new = _table([case for case in cases if known.teaches(case)], contract)
    judging = _table([case for case in cases if known.judges(case) and case.told <= known.told], contract)
    wide = infer.measure(contract, new) if new is not None else contract
    together = _joined(old, new, wide)
    test = judging if judging is not None and len(judging) >= JUDGES else None
    if test is None and settings.project.test:
        test = read.table(project.folder / settings.project.test)
    name = f"{settings.project.data} and {0 if new is None else len(new)} labelled cases"
    return build.dataset(together, wide, settings, source=name, test=test)


def _table(cases: Sequence[Case], contract: Contract) -> Table | None:
    """Return labelled cases as a table with every column of the contract; masked cells are missing."""
    records = [_record(case, contract) for case in cases]
    return read.table(records) if records else None


def _record(case: Case, contract: Contract) -> dict[str, Any]:
    row, target = case.row or {}, contract.target
    hidden = {column.name for column in contract.columns if column.log != "full" or column.personal}
    record = {
        column.name: None if column.name in hidden else row.get(column.name)
        for column in contract.columns
        if column.role not in ("target", "ignore")
    }
    return record | ({target.name: case.value} if target else {})


def _joined(old: Table, new: Table | None, contract: Contract) -> Table:
    """Put both behind one another as typed rows: texts of a file and values of a log become the same there."""
    kept = msgspec.structs.replace(
        contract, columns=tuple(column for column in contract.columns if column.role != "ignore")
    )
    typed = validate(old, kept).rows
    if new is None:
        return typed
    more = validate(new, kept).rows
    return Table(typed.frame.vstack(more.frame.select(typed.frame.columns).cast(typed.frame.schema)), typed.formats)
