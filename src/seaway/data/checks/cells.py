"""D014: cells that break the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seaway.core.errors import Cell
from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, not_applicable, verdict

CODE = "D014"
LIMIT = 0.05


def check(subject: Subject) -> list[Verdict]:
    """Warn of broken cells, fail where more than 5 % of the rows have one."""
    found = subject.found
    if found is None:
        return not_applicable(CODE, "The rows were held to the contract before")
    return told(len(found.rows), len(found.broken), found.by_rule, found.cells, found.unknown)


def told(
    rows: int,
    broken: int,
    by_rule: Mapping[tuple[str, str], int],
    listed: Sequence[Cell],
    unknown: Sequence[str],
) -> list[Verdict]:
    """Tell what validation counted: broken `rows`, cells by column and rule with the first ones `listed`."""
    verdicts = []
    if unknown:
        names = ", ".join(map(repr, unknown[:10]))
        message = f"The data have columns the contract does not know: {names}"
        verdicts.append(verdict(CODE, "warn", "columns", message, "Add them to contract.toml, or ignore them there."))
    if not any(by_rule.values()):
        return [*verdicts, verdict(CODE, "pass", "cells", "Every cell keeps to the contract", value=0.0)]
    share = broken / max(rows, 1)
    for (name, rule), count in by_rule.items():
        cells = [cell for cell in listed if cell.column == name and cell.rule == rule][:10]
        shown = ", ".join(cell.value for cell in cells[:3])
        message = f"{count} cells of {name!r} break the rule {rule!r}{f', such as {shown}' if shown else ''}"
        fix = cells[0].fix if cells else "Correct the cells, or the contract."
        outcome = "fail" if share > LIMIT else "warn"
        evidence = [msgspec.to_builtins(cell) for cell in cells]
        verdicts.append(verdict(CODE, outcome, name, message, fix, value=float(count), cells=evidence, limit=LIMIT))  # type: ignore[arg-type]
    return verdicts
