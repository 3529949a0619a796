"""Figures of pieces add up to those of the table: exactly where cells are counted, within stated bounds where values are drawn."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from functools import reduce
from operator import add

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.contract import Blank, Column, Contract
from seaway.data import describe
from seaway.data.pieces import Piece
from seaway.data.rows import Table
from seaway.data.tally import distinct, drawn
from seaway.data.tally.tally import Plan, Tally, plan, tally
from seaway.data.validate import validate

CONTRACT = Contract(
    task="tabular",
    per="row",
    columns=(
        Column(name="id", kind="text", role="id"),
        Column(name="amount", kind="number", range=(0.0, 100.0), hard=True),
        Column(name="months", kind="integer", clean=(Blank(words=("?",)),)),
        Column(name="plan", kind="category", categories=("basic", "plus")),
        Column(name="owner", kind="boolean"),
        Column(name="since", kind="time", parts=("year",)),
        Column(name="left", kind="category", role="target", categories=("no", "yes")),
    ),
    truth=Column(name="left", kind="category", role="target", categories=("no", "yes")),
)
ROW = st.fixed_dictionaries(
    {
        "id": st.text("ab", max_size=2),
        "amount": st.sampled_from(["5", "99.5", "", "101", "many", "0.25", "7"]),
        "months": st.sampled_from(["7", "7.5", "", "?", "12", "13", "-4"]),
        "plan": st.sampled_from(["basic", "plus", "", "gold", "other"]),
        "owner": st.sampled_from(["true", "false", "", "perhaps"]),
        "since": st.sampled_from(["2025-11-25", "2024-02-29", "", "soon"]),
        "left": st.sampled_from(["no", "yes", ""]),
    }
)


@given(rows=st.lists(ROW, min_size=1, max_size=40), cuts=st.lists(st.integers(1, 39), max_size=5))
def test_the_sum_over_pieces_is_what_the_whole_table_gives(rows: list[dict[str, str]], cuts: list[int]) -> None:
    table = Table(pl.DataFrame(rows))
    layout = plan(table, CONTRACT)
    found = summed(table, cuts, layout)
    held = validate(table, CONTRACT)
    assert (found.rows, found.broken, found.count) == (len(rows), len(held.broken), held.count)
    assert {key: n for key, n in found.by_rule.items() if n} == {key: n for key, n in held.by_rule.items() if n}
    assert found.soft == held.soft
    assert sorted(map(repr, found.cells)) == sorted(map(repr, held.cells))
    for ours, theirs in zip(found.described(layout), describe.describe(held.rows, CONTRACT), strict=True):
        assert close(asdict(ours), asdict(theirs)), ours.name
    assert found.drawn.settled.rows.equals(table.frame)
    content = held.whole.frame.select(layout.telling)
    assert found.content.values == content.unique().height


def summed(table: Table, cuts: list[int], layout: Plan) -> Tally:
    places = sorted({0, len(table), *(cut for cut in cuts if cut < len(table))})
    parts: list[Tally] = []
    for start, end in itertools.pairwise(places):
        so_far = reduce(add, parts) if parts else None
        parts.append(tally(Piece(rows=table.take(np.arange(start, end)), first=start), layout, so_far))
    return reduce(add, parts)


def close(ours: dict[str, object], theirs: dict[str, object]) -> bool:
    """Sums of other pieces round differently; all else is equal. Ties may stand in another order."""
    for name, value in theirs.items():
        if name == "by_class":
            value = {label: counts for label, counts in value.items() if any(counts)}  # type: ignore[attr-defined]
            assert ours[name] == value, name
        elif name in ("mean", "relation", "edges", "quantiles"):
            assert ours[name] == (value if value is None else pytest.approx(value, rel=1e-12, nan_ok=True)), name
        else:
            assert ours[name] == value, name
    return True


@given(
    values=st.lists(st.integers(0, 400), max_size=400), cut=st.integers(0, 400), cap=st.sampled_from([16, 64, 1 << 16])
)
def test_distinct_values_add_up_whatever_the_cut(values: list[int], cut: int, cap: int) -> None:
    series = pl.Series("n", values, dtype=pl.Int64)
    whole = distinct.of_series(series, cap=cap)
    parts = distinct.of_series(series[:cut], cap=cap) + distinct.of_series(series[cut:], cap=cap)
    assert (whole.hashes.tolist(), whole.counts.tolist(), whole.level) == (
        parts.hashes.tolist(),
        parts.counts.tolist(),
        parts.level,
    )
    assert len(whole.hashes) <= cap
    if len(set(values)) <= cap:
        assert whole.is_exact
        assert whole.values == len(set(values))
        assert whole.repeated == pytest.approx(1 - len(set(values)) / len(values) if values else 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_many_distinct_values_are_estimated_within_four_standard_errors(seed: int) -> None:
    rng = np.random.default_rng([31, seed])
    values = pl.Series("n", rng.integers(0, 2**60, 400_000))
    found = distinct.of_series(values.append(values[:100_000]), cap=1 << 12)
    assert found.values == pytest.approx(400_000, rel=4 * 1.2 / 64)
    assert found.repeated == pytest.approx(0.2, abs=4 * 0.4 / 64)


@given(count=st.integers(1, 300), cuts=st.lists(st.integers(1, 299), max_size=6), most=st.integers(1, 50))
def test_the_drawn_rows_are_the_same_however_the_file_is_cut(count: int, cuts: list[int], most: int) -> None:
    frame = pl.DataFrame({"n": range(count)})
    whole = drawn.of(frame, np.arange(count), most=most)
    places = sorted({0, count, *(cut for cut in cuts if cut < count)})
    found: drawn.Drawn | None = None
    for start, end in itertools.pairwise(places):
        limit = found.limit if found else drawn.LAST
        one = drawn.of(frame[start:end], np.arange(start, end), most=most, limit=limit)
        found = one if found is None else found + one
    assert found is not None
    assert found.settled.rows.equals(whole.rows)
    assert len(whole.numbers) == min(count, most)
    assert whole.rows["n"].to_list() == whole.numbers.tolist()


def test_every_row_has_about_the_same_chance_to_be_drawn() -> None:
    found = drawn.of(pl.DataFrame({"n": range(200_000)}), np.arange(200_000), most=20_000)
    tenths = np.bincount(found.numbers // 20_000, minlength=10)
    assert tenths.min() > 1800
    assert tenths.max() < 2200


def test_categories_beyond_the_sample_are_counted_as_others() -> None:
    sample = Table(pl.DataFrame([{"plan": "basic", "left": "no"}]))
    few = msgspec.structs.replace(CONTRACT, columns=(CONTRACT.columns[3], CONTRACT.columns[6]))
    layout = plan(sample, few)
    rows = Table(pl.DataFrame([{"plan": name, "left": "yes"} for name in ("basic", "plus", "plus", "x")]))
    (one, _) = tally(Piece(rows=rows), layout).described(layout)
    assert (one.labels, one.counts, one.distinct) == (("basic", "other"), (1, 3), 3)
