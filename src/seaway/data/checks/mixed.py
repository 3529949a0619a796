"""D007: one column, values of several types."""

from __future__ import annotations

import polars as pl

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, or_pass, verdict
from seaway.data.facts import NUMBER, Facts

CODE = "D007"
MINORITY = 0.2


def check(subject: Subject) -> list[Verdict]:
    """Warn of columns in which a few cells are words among numbers, or numbers among words."""
    source = subject.raw or subject.rows
    found = []
    for column in subject.contract.columns:
        if column.name not in source.names or column.role in ("ignore", "id"):
            continue
        series = source.series(column.name)
        if series.dtype != pl.String:
            continue
        texts = Facts(series).solid
        mapped = {text for rule in column.clean for text in getattr(rule, "to", {})}
        numbers = {text: count for text, count in texts.items() if NUMBER.fullmatch(text)}
        words = {text: count for text, count in texts.items() if text not in numbers and text not in mapped}
        if column.format or column.kind == "time" or not words or len(numbers) < 5:
            continue
        total = sum(numbers.values()) + sum(words.values())
        minor, what = min((sum(words.values()), "no numbers"), (sum(numbers.values()), "numbers"))
        if minor / total > MINORITY:
            continue
        few = list(words if what == "no numbers" else numbers)[:5]
        message = f"{minor} of {total} cells of {column.name!r} are {what}, such as {', '.join(map(repr, few))}"
        fix = f"Correct the cells, or list their texts under `blank` or `map` of {column.name!r} in contract.toml."
        found.append(verdict(CODE, "warn", column.name, message, fix, value=minor / total, limit=MINORITY, texts=few))
    return or_pass(CODE, found, "Every column holds values of one type")
