"""M004: values the contract does not expect (unseen categories, numbers out of range) come in often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor import budget
from seaway.monitor.look import Look, LookCheck
from seaway.monitor.sequential import exceeds

WORDS = {"outside": "out of its range", "unseen": "a category never seen in training"}


def find(look: Look) -> Sequence[Verdict]:
    """Hold each column's share of flagged cells to `monitor.missing`."""
    cases = look.window.cases
    if not cases:
        return [
            Verdict(code="M004", outcome="not-applicable", subject="values", message="Nothing has been answered yet")
        ]
    flags = Counter(
        (flag["column"], flag["rule"])
        for prediction in look.window.predictions
        for flag in prediction.get("flags", ())
        if flag["rule"] in WORDS
    )
    limit, tests = look.settings.missing, len(look.release.contract.columns)
    alpha = budget.part(look.settings.false_discovery, budget.SHARES / 4, tests)
    told = [
        _verdict(column, rule, count, cases, limit, look)
        for (column, rule), count in flags.most_common()
        if exceeds(count, cases, limit, alpha)
    ]
    if told:
        return told
    share = max(flags.values(), default=0) / cases
    return [
        Verdict(
            code="M004",
            outcome="pass",
            subject="values",
            message=f"At most {share:.1%} of a column's values were unexpected in {cases} cases",
            value=share,
            limit=limit,
        )
    ]


def _verdict(column: str, rule: str, count: int, cases: int, limit: float, look: Look) -> Verdict:
    return Verdict(
        code="M004",
        outcome="fail",
        subject=column,
        message=f"{column} is {WORDS[rule]} in {count / cases:.1%} of {cases} cases, {limit:.0%} are allowed",
        fix="A changed unit or a new code looks like this: correct it where the rows come from, or widen the contract and rebuild.",
        value=count / cases,
        limit=limit,
        evidence={"window": look.window.number, "rule": rule, "flagged": count, "cases": cases},
    )


CHECK = LookCheck(code="M004", stage="open", find=find)
