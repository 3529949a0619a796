"""D001: a column that names rows instead of describing them."""

from __future__ import annotations

from seaway.core.verdict import Verdict
from seaway.data import guess
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D001"


def check(subject: Subject) -> list[Verdict]:
    """Fail where an identifier feeds the model; name those that are kept from it."""
    found = []
    for column in subject.contract.columns:
        if column.role == "target" or column.name not in subject.rows.names:
            continue
        values = subject.series(column).drop_nulls()
        as_text = column if column.kind != "category" else type(column)(name=column.name, kind="text")
        counts = column.kind == "integer" and guess.is_index(values)
        if not counts and not guess.is_identifier(as_text, values):
            continue
        what = "counts the rows" if counts else f"has {values.n_unique()} distinct values in {len(values)} rows"
        if column.role == "feature":
            fix = f'Give {column.name!r} the role "id" (to join labels) or "ignore" in contract.toml.'
            found.append(verdict(CODE, "fail", column.name, f"{column.name!r} {what}: it names rows", fix))
        else:
            message = f"{column.name!r} {what}: an identifier, kept from the model (role {column.role})"
            found.append(verdict(CODE, "pass", column.name, message))
    return or_pass(CODE, found, "No identifier feeds the model")
