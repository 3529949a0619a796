"""Series as they are learnt from: rows by series and time, one for each step, up to the newest known value."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.core.verdict import Verdict
from seaway.data.rows import Table
from seaway.data.series import findings
from seaway.data.series.survey import Survey, survey


def series(rows: Table, contract: Contract, subject: str) -> tuple[Table, list[Verdict]]:
    """Return typed rows in order of series (as they first stand) and time, with what was left out and why.

    Left out are rows between two steps of the frequency, and rows behind the newest known value: there is nothing to learn
    from them yet. Raises `BadInput` where two rows of a series tell different things of one time, or most rows lie between
    the steps.
    """
    seen = survey(rows, contract)
    if seen.duplicate.any():
        raise _twice(seen)
    notes = [findings.gaps(seen, "N006")]
    off = int(seen.off_grid.sum())
    if off > findings.MANY * len(rows):
        told = findings.frequency(seen, "N004")
        raise BadInput(told.message, where=f"column {seen.clock.column.name!r}", fix=told.fix, code="frequency")
    if off:
        notes.append(findings.frequency(seen, "N004"))
    unknown = _unknown_yet(rows, contract, seen)
    if unknown.any():
        notes.append(
            Verdict(
                code="N005",
                outcome="pass",
                subject=subject,
                message=f"Left out, as nothing is known of them yet: {int(unknown.sum())} of {len(rows)} {subject} "
                "behind the newest known value of their series",
                value=float(unknown.sum()),
            )
        )
    kept = np.flatnonzero(~seen.off_grid & ~unknown)
    order = kept[np.lexsort((seen.moment[kept], seen.case[kept]))]
    return rows.take(order), notes


def _unknown_yet(rows: Table, contract: Contract, seen: Survey) -> Array:
    """Mark the rows behind the newest known value of their series."""
    known = ~rows.column(contract.having("target")[0].name)[1]
    newest = np.full(len(seen.ids), np.iinfo(np.int64).min)
    np.maximum.at(newest, seen.case[known], seen.moment[known])
    return np.asarray(seen.moment > newest[seen.case])


def _twice(seen: Survey) -> BadInput:
    told = findings.duplicates(seen, "N007")
    fix = told.fix
    if seen.clock.zone is None and not seen.clock.frequency.is_civil and seen.changes_clocks:
        fix = "They stand where clocks are set back: name the zone of those clocks, `zone` under [series] in contract.toml."
    return BadInput(told.message, where=f"column {seen.clock.column.name!r}", fix=fix, code="duplicate")
