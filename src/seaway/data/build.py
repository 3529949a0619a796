"""From rows as read to the first paper: validate, leave out what breaks the contract, dedupe, fingerprint, split."""

from __future__ import annotations

import numpy as np

from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput, BrokenContract
from seaway.core.protocols import Rows
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.data import clean
from seaway.data import split as splits
from seaway.data.hashing import fingerprint
from seaway.data.rows import Table
from seaway.data.series import ordered, origins
from seaway.data.validate import Validated, validate


def dataset(
    rows: Rows, contract: Contract, settings: Settings, *, source: str = "", test: Rows | None = None
) -> Dataset:
    """Return the data set of `rows` under a contract; `test` rows, if given, are the ones that judge.

    Rows that break the contract and rows without a target are left out, and `notes` says how many and why.
    """
    kept, notes = _usable(rows, contract, "rows")
    if settings.train.dedupe:
        kept, verdict = clean.dedupe(kept, contract)
        notes.append(verdict)
    if contract.series is not None:
        kept, more = ordered.series(kept, contract, "rows")
        notes += more
    _refuse_one_outcome(kept, contract)
    if test is None:
        parts = splits.split(kept, contract, settings.split, settings.train.seed)
    else:
        judging, more = _usable(test, contract, "test rows")
        notes += more
        if contract.series is not None:
            judging, more = ordered.series(judging, contract, "test rows")
            notes += more
        parts = splits.given(len(kept), len(judging))
        kept = Table(kept.frame.vstack(judging.frame.select(kept.frame.columns)), kept.formats)
        if contract.series is not None:
            origins.refuse_early(kept, contract, parts.train, parts.test)
    return Dataset(
        rows=kept, contract=contract, fingerprint=fingerprint(kept), split=parts, source=source, notes=tuple(notes)
    )


def _usable(rows: Rows, contract: Contract, subject: str) -> tuple[Table, list[Verdict]]:
    found = validate(rows, contract)
    notes = []
    if len(found.broken):
        if len(found.broken) == len(rows):
            raise _nothing_left(found)
        notes.append(_left_out(found, subject))
    kept = found.whole
    target = contract.target
    if target is None:
        return kept, notes
    if target.name not in kept.names:
        raise BadInput(
            f"The data have no target column {target.name!r}",
            where="data",
            fix="Bring the target, or name another one in contract.toml.",
            code="no-target",
        )
    _, missing = kept.column(target.name)
    if missing.all():
        raise BadInput(
            f"The target {target.name!r} is missing in every row",
            where=f"column {target.name!r}",
            fix="Bring rows whose target is known; check the blank words of the column in contract.toml.",
            code="no-target",
        )
    if missing.any() and contract.series is None:
        notes.append(
            Verdict(
                code="N003",
                outcome="warn",
                subject=subject,
                message=f"Left out, as they have no {target.name!r}: {int(missing.sum())} of {len(kept)} {subject}",
                fix="Complete the target where it is known.",
                value=float(missing.sum()),
            )
        )
        kept = kept.take(np.flatnonzero(~missing))
    return kept, notes


def _refuse_one_outcome(rows: Table, contract: Contract) -> None:
    """Rows that all came out alike teach nothing, whatever they were when the contract was made."""
    target = contract.target
    if target is None:
        return
    outcomes = rows.series(target.name).unique()
    if len(outcomes) == 1:
        raise BadInput(
            f"The target {target.name!r} has one value only, {outcomes[0]!r}, in all {len(rows)} usable rows",
            where=f"column {target.name!r}",
            fix="Bring rows with different outcomes.",
            code="one-class",
        )


def _left_out(found: Validated, subject: str) -> Verdict:
    worst = sorted(found.by_rule.items(), key=lambda item: -item[1])
    reasons = ", ".join(f"{count} x {name!r} ({rule})" for (name, rule), count in worst[:5])
    return Verdict(
        code="N002",
        outcome="warn",
        subject=subject,
        message=f"Left out, as they break the contract: {len(found.broken)} of {len(found.rows)} {subject}; {reasons}",
        fix="Run `seaway check` for the cells; correct them, or the contract.",
        value=float(len(found.broken)),
        evidence={"rows": [int(number) for number in found.broken[:20]]},
    )


def _nothing_left(found: Validated) -> BrokenContract:
    first = found.cells[0]
    return BrokenContract(
        f"Every row breaks the contract; the first cell is {first.column!r} = {first.value} (rule: {first.rule})",
        cells=found.cells,
        count=found.count,
        where=f"row {first.row}, column {first.column!r}",
        fix=f"{first.fix} Or run `seaway new` on these data for a contract that fits them.",
    )
