"""Transactions read and typed: what a recipe needs of each line, in an order that does not depend on the file's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.contract import Blank, Column, Contract, Kind, Trim
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.data.encode import times
from seaway.data.facts import BLANKS
from seaway.data.validate import validate

DAY = times.DAY
"""Nanoseconds."""

_CANCELLED = re.compile(r"[Cc]\d")
_WHOLE = re.compile(r"\d+\.0")
_KINDS: Mapping[str, Kind] = {"time": "time", "quantity": "number", "price": "number", "amount": "number"}


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Usable lines by customer, time and what they hold: customer (n,) texts, moment (n,) int64 ns, order (n,) int64
    codes, amount (n,), pieces (n,), cancelled (n,), product (n,) int64 codes with -1 for none, or None.

    `now` is the moment that recency counts from; `left_out` says how many lines lack what.
    """

    customer: Array
    moment: Array
    order: Array
    amount: Array
    pieces: Array
    cancelled: Array
    product: Array | None
    now: int
    left_out: Mapping[str, int]


def lines(rows: Rows, settings: Mapping[str, Json]) -> Lines:
    """Read the lines of `rows` by the columns that the settings name."""
    typed = _typed(rows, settings)
    customer, nobody = typed["customer"]
    moment, never = typed["time"][0].astype(np.int64), typed["time"][1]
    money, pieces = _money(typed)
    order = _orders(typed, moment)
    unpaid = np.isnan(money)
    is_c = np.array([bool(_CANCELLED.match(text)) for text in order.tolist()], dtype=bool)
    kept = np.flatnonzero(~(nobody | never | unpaid))
    plain = _plain(customer[kept])
    cancelled = (is_c | (money < 0) | (pieces < 0))[kept]
    product = _codes(*typed["product"])[kept] if "product" in typed else None
    codes = _codes(order, np.zeros(len(order), dtype=bool))[kept]
    by = np.lexsort(
        (pieces[kept], money[kept], product if product is not None else codes, codes, moment[kept], plain.astype(str))
    )
    return Lines(
        customer=plain[by],
        moment=moment[kept][by],
        order=codes[by],
        amount=money[kept][by],
        pieces=np.abs(pieces[kept][by]),
        cancelled=cancelled[by],
        product=None if product is None else product[by],
        now=_now(moment[~never], str(settings.get("now", ""))),
        left_out={
            "customer": int(nobody.sum()),
            "time": int((never & ~nobody).sum()),
            "amount": int((unpaid & ~never & ~nobody).sum()),
        },
    )


def moment_text(moment: int) -> str:
    """Write a moment as ISO 8601."""
    return times.text(moment, "")


def _typed(rows: Rows, settings: Mapping[str, Json]) -> dict[str, tuple[Array, Array]]:
    """Return (values, missing) by role, of the columns that the settings name; a cell that cannot be read is missing."""
    named = {
        role: str(settings[role])
        for role in ("customer", "time", "order", "quantity", "price", "product", "amount")
        if settings.get(role)
    }
    for role, name in named.items():
        if name not in rows.names:
            raise BadInput(
                f"The transactions have no column {name!r}, which is to be the {role}",
                where=f"seaway.toml, [recipe] {role}",
                fix=f"The columns are: {', '.join(list(rows.names)[:30])}.",
                code="no-column",
            )
    columns = {
        name: Column(
            name=name,
            kind=_KINDS.get(role, "text"),
            format=str(settings.get(f"{role}_format", "")),
            clean=(Trim(), Blank(words=tuple(sorted(BLANKS)))),
        )
        for role, name in named.items()
    }
    typed = validate(rows, Contract(task="segment", per="row", columns=tuple(columns.values()))).rows
    return {role: typed.column(name) for role, name in named.items()}


def _orders(typed: Mapping[str, tuple[Array, Array]], moment: Array) -> Array:
    """Return each line's order as text; lines without a number are one order where they bear the same moment."""
    moments = np.array([f"at {one}" for one in moment.tolist()], dtype=object)
    if "order" not in typed:
        return moments
    order, missing = typed["order"]
    return np.where(missing, moments, order)


def _money(typed: Mapping[str, tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the amount and the pieces of each line; NaN where the amount is not known."""
    rows = len(typed["customer"][0])
    quantity = typed["quantity"][0] if "quantity" in typed else np.ones(rows)
    if "amount" in typed:
        money = typed["amount"][0]
    elif "price" in typed and "quantity" in typed:
        money = quantity * typed["price"][0]
    else:
        raise BadInput(
            "Nothing says what the transactions were worth",
            where="seaway.toml, [recipe]",
            fix="Name `amount`, or `quantity` and `price`.",
            code="no-column",
        )
    return money, np.where(np.isnan(quantity), 0.0, quantity)


def _plain(customer: Array) -> Array:
    """Return ids as they should read: whole numbers that a table kept as fractions lose their point."""
    if all(_WHOLE.fullmatch(text) for text in customer.tolist()):
        return np.array([text[:-2] for text in customer.tolist()], dtype=object)
    return customer


def _codes(values: Array, missing: Array) -> Array:
    """Return whole numbers that are equal where the values are, by rank; -1 for a missing one."""
    codes = np.full(len(values), -1, dtype=np.int64)
    known = ~missing
    if known.any():
        codes[known] = np.unique(values[known].astype(str), return_inverse=True)[1]
    return codes


def _now(moment: Array, told: str) -> int:
    """Return the moment told, or the midnight after the last line where that is later or nothing is told."""
    newest = int(moment.max()) if len(moment) else 0
    midnight = (newest // DAY + 1) * DAY
    if not told:
        return midnight
    given = times.parser("")(told)
    if given is None:
        raise BadInput(
            f"{told!r} is no moment",
            where="seaway.toml, [recipe] now",
            fix="Write it like 2011-12-10, or leave it empty for the midnight after the last transaction.",
        )
    return given if newest < given else midnight
