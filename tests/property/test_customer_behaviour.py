"""The recipe of customers: the order of lines is nothing, the same settings give the same rows, and nobody is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array
from seaway.data.rows import Table
from seaway.tasks.segment.recipes.customer_behaviour import CustomerBehaviour

TOLD = {
    "customer": "who",
    "time": "at",
    "order": "order",
    "quantity": "count",
    "price": "price",
    "product": "what",
    "amount": "",
    "now": "2024-06-01",
}

START = datetime(2024, 1, 1)

LINE = st.tuples(
    st.one_of(st.none(), st.integers(1, 6)),
    st.integers(0, 120),
    st.sampled_from(["1", "2", "3", "C4", "C5", None]),
    st.integers(-5, 30),
    st.floats(0, 500, width=32),
    st.sampled_from(["a", "b", "c", None]),
)


def table(lines: list[tuple[object, ...]]) -> Table:
    """Return the lines, and one that is whole, as a frame."""
    whole = [*lines, (9, 7, "1", 1, 2.5, "a")]
    columns = list(zip(*whole, strict=True))
    return Table(
        pl.DataFrame(
            {
                "who": pl.Series(columns[0], dtype=pl.Int64),
                "at": [START + timedelta(hours=int(str(hours))) for hours in columns[1]],
                "order": pl.Series(columns[2], dtype=pl.String),
                "count": pl.Series(columns[3], dtype=pl.Int64),
                "price": pl.Series(columns[4], dtype=pl.Float64),
                "what": pl.Series(columns[5], dtype=pl.String),
            }
        )
    )


def values(rows: Table) -> dict[str, Array]:
    made = CustomerBehaviour().prepare(rows, TOLD)
    return {name: made.column(name)[0] for name in made.names}


@settings(max_examples=60)
@given(lines=st.lists(LINE, max_size=40), seed=st.integers(0, 1000))
def test_the_order_of_lines_changes_no_bit(lines: list[tuple[object, ...]], seed: int) -> None:
    rows = table(lines)
    shuffled = rows.take(np.random.default_rng(seed).permutation(len(rows)))
    first, second = values(rows), values(shuffled)
    assert list(first) == list(second)
    for name in first:
        assert first[name].tobytes() == second[name].tobytes() or first[name].tolist() == second[name].tolist(), name


@settings(max_examples=60)
@given(lines=st.lists(LINE, max_size=40))
def test_everybody_is_there_once_and_the_sums_are_those_of_the_lines(lines: list[tuple[object, ...]]) -> None:
    rows = table(lines)
    found = values(rows)
    who, nobody = rows.column("who")
    assert found["who"].tolist() == sorted({str(one) for one in who[~nobody].tolist()})
    count, price = rows.column("count")[0], rows.column("price")[0]
    order = rows.column("order")[0].tolist()
    worth = np.where([bool(one) and str(one).startswith("C") for one in order], -np.abs(count * price), count * price)
    assert np.isclose(found["monetary"].sum(), worth[~nobody].sum(), atol=1e-2)
    assert (found["recency_days"] <= found["tenure_days"]).all()
    assert ((found["cancelled_share"] >= 0) & (found["cancelled_share"] <= 1)).all()
    assert (np.isnan(found["days_between_orders"]) == (found["frequency"] < 2)).all()
