"""Which column of a table of transactions holds what, by name and kind."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seaway.core.contract import Column
from seaway.core.errors import BadInput

NUMBERS = ("number", "integer")

WORDS: dict[str, tuple[str, ...]] = {
    # Part of a name without case and signs; the first word that a column bears wins.
    "customer": tuple(
        "customerid custid clientid userid memberid buyerid accountid customer client buyer shopper member user account".split()
    ),
    "order": tuple(
        "invoiceno invoiceid orderid orderno transactionid basketid receiptid invoice order transaction basket receipt".split()
    ),
    "quantity": ("quantity", "qty", "units", "pieces", "count"),
    "price": ("unitprice", "price", "unitcost"),
    "amount": ("amount", "total", "revenue", "sales", "spend", "value", "paid"),
    "product": ("stockcode", "productid", "productcode", "sku", "product", "item", "article"),
}

ROLES = ("customer", "time", "order", "quantity", "price", "product", "amount")


def guessed(columns: Sequence[Column]) -> dict[str, str]:
    """Return the column of each role, "" for none, and the formats that reading them takes.

    Raises `BadInput` where customer, time or money is not found; a person then names them.
    """
    times = [column for column in columns if column.kind == "time"]
    numbers = [column for column in columns if column.kind in NUMBERS]
    found: dict[str, Column | None] = {"time": times[0] if times else None}
    for role in ("customer", "order", "quantity", "price", "amount", "product"):
        taken = {column.name for column in found.values() if column is not None}
        among = numbers if role in ("quantity", "price", "amount") else columns
        free = [column for column in among if column.name not in taken and column.kind != "time"]
        found[role] = _bearing(WORDS[role], free)
    if found["quantity"] is not None and found["price"] is not None:
        found["amount"] = None
    elif found["amount"] is None and found["price"] is not None:
        found["amount"], found["price"] = found["price"], None
    _refuse_missing(found, columns)
    named = {role: column.name if (column := found[role]) is not None else "" for role in ROLES}
    formats = {
        f"{role}_format": column.format for role, column in found.items() if column is not None and column.format
    }
    return named | formats


def _bearing(words: Sequence[str], columns: Sequence[Column]) -> Column | None:
    """Return the column whose name bears the earliest of the words."""
    plain = [(re.sub(r"[^a-z0-9]", "", column.name.lower()), column) for column in columns]
    return next((column for word in words for name, column in plain if word in name), None)


def _refuse_missing(found: dict[str, Column | None], columns: Sequence[Column]) -> None:
    needed = {"customer": "the customer's id", "time": "the moment of the transaction"}
    missing = [(role, what) for role, what in needed.items() if found[role] is None]
    if found["amount"] is None and (found["quantity"] is None or found["price"] is None):
        missing.append(("amount", "the money, or a quantity and a price"))
    if missing:
        role, what = missing[0]
        raise BadInput(
            f"No column looks like {what}",
            where=f"recipe customer-behaviour, {role}",
            fix="Name the columns by what they hold, for example customer_id, time, order_id, amount. "
            f"The columns are: {', '.join(column.name for column in columns[:30])}.",
            code="no-column",
        )
