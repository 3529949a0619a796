"""From transactions to customers: how recently, how often and for how much each has bought (RFM, Hughes 1994), and how.

One row of the source is a line of an order. One row that comes out is a customer:

| column | what it says |
|---|---|
| (the customer's own) | id, as text |
| recency_days | days from the last purchase to `now` |
| tenure_days | days from the first purchase to `now` |
| frequency | number of orders |
| monetary | what was bought less what was cancelled, in the source's money |
| average_order | what was bought per order, cancellations left aside |
| items | number of pieces bought; of lines where the source has no quantity |
| products | number of different products bought, where the source names them |
| days_between_orders | mean days between orders; missing where there is one order only |
| cancelled_share | value cancelled over value bought, at most 1 |

A line is a cancellation where its order number starts with C before a digit, or its quantity or amount is below zero.
Lines without customer, time or amount are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.core.verdict import Verdict
from seaway.data.infer import draft
from seaway.data.rows import of_columns
from seaway.tasks.segment.recipes.columns import guessed
from seaway.tasks.segment.recipes.lines import DAY, Lines, lines, moment_text

DIGITS = 4
"""Decimals of days and money: ten seconds, and less than any coin."""


class CustomerBehaviour:
    """Implements `core.protocols.Recipe`."""

    name = "customer-behaviour"
    task = "segment"

    def settings(self, rows: Rows) -> Mapping[str, Json]:
        """Return which columns hold what, and the midnight after the last transaction as `now`.

        Recency counts from `now`, so that a customer's figures are the same in any file; where rows are newer than it,
        it moves to the midnight after them. Raises `BadInput` where a needed column is not found.
        """
        told = guessed(draft(rows)[0].columns)
        read = lines(rows, {**told, "now": ""})
        return {**told, "now": moment_text(read.now)}

    def prepare(self, rows: Rows, settings: Mapping[str, Json]) -> Rows:
        """Return one row for each customer, in the order of their ids; raises `BadInput` where no line can be used."""
        read = lines(rows, settings)
        if not len(read.customer):
            raise BadInput(
                f"None of the {len(rows)} transactions has a customer, a time and an amount",
                where="data",
                fix="Check the column names under [recipe] in seaway.toml: customer, time, and amount or quantity and price.",
                code="no-transactions",
            )
        name, figures = str(settings["customer"]), _figures(read)
        if name in figures:
            raise BadInput(
                f"The customers' column is called {name!r}, as one of the figures is",
                where="seaway.toml, [recipe] customer",
                fix="Give the column another name in the source.",
            )
        return of_columns({name: np.unique(read.customer), **figures})

    def ids(self, settings: Mapping[str, Json]) -> Sequence[str]:
        """Return the customers' column."""
        return [str(settings["customer"])]

    def verdicts(self, rows: Rows, settings: Mapping[str, Json]) -> Sequence[Verdict]:
        """Say how many lines were left out and why, and how many were cancellations."""
        read = lines(rows, settings)
        reasons = ", ".join(f"{count} without {what}" for what, count in read.left_out.items() if count)
        gone = len(rows) - len(read.customer)
        return [
            Verdict(
                code="T320",
                outcome="warn" if gone else "pass",
                subject="transactions",
                message=f"Left out: {gone} of {len(rows)} transactions ({reasons})"
                if gone
                else f"All {len(rows)} transactions have a customer, a time and an amount",
                fix="Complete them where that is known; sales to nobody in particular say nothing about a customer."
                if gone
                else "",
                value=float(gone),
                evidence=dict(read.left_out),
            ),
            Verdict(
                code="T321",
                outcome="pass",
                subject="cancellations",
                message=f"{int(read.cancelled.sum())} of {len(read.customer)} transactions are cancellations; their value is taken off",
                value=float(read.cancelled.sum()),
            ),
        ]


def _figures(read: Lines) -> dict[str, Array]:
    """Return each customer's figures by column, in the order of the ids.

    The lines stand in one order, so that no sum depends on the file's.
    """
    ids, who = np.unique(read.customer, return_inverse=True)
    count = len(ids)
    bought = ~read.cancelled
    frequency = _distinct(who[bought], read.order[bought], count)
    gross = np.bincount(who[bought], weights=read.amount[bought], minlength=count)
    cancelled = np.bincount(who[read.cancelled], weights=np.abs(read.amount[read.cancelled]), minlength=count)
    first, last = _ends(read, who, count)
    found = {
        "recency_days": np.round((read.now - last) / DAY, DIGITS),
        "tenure_days": np.round((read.now - first) / DAY, DIGITS),
        "frequency": frequency,
        "monetary": np.round(gross - cancelled, DIGITS),
        "average_order": np.round(gross / np.maximum(1, frequency), DIGITS),
        "items": np.bincount(who[bought], weights=read.pieces[bought], minlength=count),
        "products": _distinct(who[bought], read.product[bought], count) if read.product is not None else None,
        "days_between_orders": np.where(
            frequency > 1, np.round((last - first) / DAY / np.maximum(1, frequency - 1), DIGITS), np.nan
        ),
        "cancelled_share": np.where(
            gross > 0, np.minimum(1.0, cancelled / np.where(gross > 0, gross, 1.0)), cancelled > 0
        ),
    }
    return {key: values for key, values in found.items() if values is not None}


def _ends(read: Lines, who: Array, count: int) -> tuple[Array, Array]:
    """Return the first and last moment of each customer's purchases; of all lines where there was none."""
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    has = np.bincount(who[~read.cancelled], minlength=count) > 0
    counted = ~read.cancelled | ~has[who]
    np.minimum.at(first, who[counted], read.moment[counted])
    np.maximum.at(last, who[counted], read.moment[counted])
    return first, last


def _distinct(who: Array, what: Array, count: int) -> Array:
    """Count the different values of each customer."""
    known = what >= 0
    pairs = np.unique(np.stack([who[known], what[known]], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=count)
