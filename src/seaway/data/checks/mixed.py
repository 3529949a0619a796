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
        mapped = [text for rule in column.clean for text in getattr(rule, "to", {})]
        texts = Facts(series).solid.filter(~pl.col("text").is_in(mapped))
        numeric = texts["text"].str.contains(NUMBER)
        numbers, words = texts.filter(numeric), texts.filter(~numeric)
        if column.format or column.kind == "time" or not words.height or numbers.height < 5:
            continue
        total = int(texts["count"].sum())
        minor, what = min((int(words["count"].sum()), "no numbers"), (int(numbers["count"].sum()), "numbers"))
        if minor / total > MINORITY:
            continue
        few = (words if what == "no numbers" else numbers)["text"].head(5).to_list()
        message = f"{minor} of {total} cells of {column.name!r} are {what}, such as {', '.join(map(repr, few))}"
        fix = f"Correct the cells, or list their texts under `blank` or `map` of {column.name!r} in contract.toml."
        found.append(verdict(CODE, "warn", column.name, message, fix, value=minor / total, limit=MINORITY, texts=few))
    return or_pass(CODE, found, "Every column holds values of one type")
