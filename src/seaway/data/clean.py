"""Set-wise cleaning: what is done to the whole of the data before training, and recorded; never to a request."""

from __future__ import annotations

import numpy as np
import polars as pl

from seaway.core.contract import Contract
from seaway.core.verdict import Verdict
from seaway.data.rows import Table


def telling(rows: Table, contract: Contract) -> list[str]:
    """Return the columns in which two rows have to differ to be two rows: all but an ignored running number."""
    return [
        column.name
        for column in contract.columns
        if column.name in rows.names
        and not (column.role == "ignore" and column.kind == "integer" and rows.series(column.name).is_unique().all())
    ]


def dedupe(rows: Table, contract: Contract) -> tuple[Table, Verdict]:
    """Drop rows that repeat an earlier one in every telling column.

    Equal rows under different ids are separate cases and stay; an ignored running number does not keep rows apart.
    """
    names = telling(rows, contract)
    first = rows.frame.select(pl.struct(names).is_first_distinct()).to_series().to_numpy()
    dropped = len(rows) - int(first.sum())
    verdict = Verdict(
        code="N001",
        outcome="pass" if not dropped else "warn",
        subject="rows",
        message=f"Left out, as they repeat an earlier one: {dropped} of {len(rows)} rows"
        if dropped
        else "No row stands twice",
        fix="Set [train] dedupe = false in seaway.toml where equal rows are separate cases." if dropped else "",
        value=float(dropped),
        evidence={"rows": [int(number) for number in np.flatnonzero(~first)[:20]]},
    )
    return (rows.take(np.flatnonzero(first)) if dropped else rows), verdict
