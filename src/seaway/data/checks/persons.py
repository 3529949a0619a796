"""D013: columns that look personal and are not marked so."""

from __future__ import annotations

import polars as pl

from seaway.core.verdict import Verdict
from seaway.data import personal
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D013"


def check(subject: Subject) -> list[Verdict]:
    """Warn of e-mails, telephones, names, accounts and the like, by content and by name."""
    found = []
    for column in subject.contract.columns:
        if column.name not in subject.rows.names:
            continue
        series = subject.series(column).drop_nulls()
        what = personal.by_content(series.unique().head(2000).to_list()) if series.dtype == pl.String else ""
        what = what or personal.by_name(column.name, series.n_unique())
        if not what:
            continue
        if column.personal:
            message = f"{column.name!r} is marked as personal ({column.personal}): it is logged as a digest"
            found.append(verdict(CODE, "pass", column.name, message))
            continue
        feeds = "and feeds the model" if column.encoded else "though it does not feed the model"
        message = f"{column.name!r} looks like personal data ({what}) {feeds}"
        fix = f'Set personal = "{what}" for {column.name!r} in contract.toml, or leave the column out of the data.'
        found.append(verdict(CODE, "warn", column.name, message, fix, kind=what))
    return or_pass(CODE, found, "No unmarked column looks personal")
