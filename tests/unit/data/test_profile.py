"""Profiles: shares that add up, other rows counted in the same bins, small, and no row to be found in them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import Untrusted
from seaway.data import profile
from seaway.data.rows import Table

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="n", kind="number"),
        Column(name="c", kind="category", categories=("a", "b", "rare")),
        Column(name="b", kind="boolean"),
        Column(name="t", kind="time", parts=("month",)),
        Column(name="id", kind="text", role="id"),
        Column(name="y", kind="category", role="target"),
    ),
    outputs=(
        Output(name="probabilities", kind="number", axes=("class",), labels=("no", "yes")),
        Output(name="label", kind="code", labels=("no", "yes")),
    ),
)
COUNT = 100
ROWS = Table(
    pl.DataFrame(
        {
            "n": [None if place % 10 == 0 else float(place) for place in range(COUNT)],
            "c": ["rare" if place < 3 else "a" if place < 70 else "b" for place in range(COUNT)],
            "b": [place % 4 == 0 for place in range(COUNT)],
            "t": pl.Series(np.datetime64("2024-01-01") + np.arange(COUNT)),
            "id": [f"person {place}" for place in range(COUNT)],
            "y": ["no"] * COUNT,
        }
    )
)
ANSWERS = {
    "probabilities": np.column_stack([np.linspace(0, 1, COUNT), np.linspace(1, 0, COUNT)]),
    "label": np.array([0, 1] * (COUNT // 2)),
}


def test_a_profile_describes_features_target_and_answers() -> None:
    made = profile.profile(ROWS, CONTRACT, ANSWERS)
    assert set(made.columns) == {"n", "c", "b", "t", "y"}
    assert set(made.outputs) == {"probabilities.no", "probabilities.yes", "label"}
    numbers = made.columns["n"]
    assert numbers.missing == 0.1
    assert numbers.mean == pytest.approx(50.0)
    assert len(numbers.shares) == len(numbers.edges) + 1 == len(numbers.labels) == 10
    assert max(numbers.shares) - min(numbers.shares) < 0.03
    assert made.columns["c"].categories == ("a", "b")
    assert made.columns["c"].shares == (0.67, 0.30, 0.03)
    assert made.columns["c"].labels == ("a", "b", "other")
    assert made.columns["b"].categories == ("false", "true")
    assert made.outputs["label"].shares == (0.5, 0.5, 0.0)


def test_it_comes_back_from_its_bytes_and_only_from_them() -> None:
    made = profile.profile(ROWS, CONTRACT, ANSWERS)
    data = made.encode()
    assert profile.decode(data) == made
    assert len(data) < 10_000
    assert b"person" not in data
    with pytest.raises(Untrusted, match="Not the canonical form"):
        profile.decode(data + b" ")


values = st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(-3, 3).map(float)), min_size=1, max_size=80)


@given(values, values)
def test_any_numbers_are_counted_once(reference: list[float], window: list[float]) -> None:
    found = profile.numbers(np.array(reference), np.zeros(len(reference), dtype=bool))
    assert sum(found.shares) == pytest.approx(1.0)
    assert list(found.edges) == sorted(set(found.edges))
    counts = found.counts(np.array(window), np.zeros(len(window), dtype=bool))
    assert counts.sum() == len(window)
    assert len(counts) == len(found.shares)
    below = sum(value <= found.edges[0] for value in window)
    assert counts[0] == below


@given(
    st.lists(st.sampled_from(["a", "b", "c", "other"]), max_size=60), st.lists(st.sampled_from("abxyz"), max_size=60)
)
def test_any_texts_are_counted_once(reference: list[str], window: list[str]) -> None:
    found = profile.words(np.array(reference, dtype=object), np.zeros(len(reference), dtype=bool), kind="category")
    counts = found.counts(np.array(window, dtype=object), np.zeros(len(window), dtype=bool))
    assert counts.sum() == len(window)
    assert all(reference.count(text) >= profile.RARE for text in found.categories)


def test_columns_with_nothing_in_them() -> None:
    empty = np.full(5, np.nan)
    found = profile.numbers(empty, np.ones(5, dtype=bool))
    assert (found.missing, found.shares, found.edges) == (1.0, (), ())
    one = profile.numbers(np.full(5, 7.0), np.zeros(5, dtype=bool))
    assert one.edges == (7.0,)
    assert one.shares == (1.0, 0.0)


def test_thousands_of_categories_stay_small() -> None:
    texts = np.array([f"category {place % 3000}" for place in range(60_000)], dtype=object)
    found = profile.words(texts, np.zeros(len(texts), dtype=bool), kind="category")
    assert len(found.categories) == profile.MOST
    assert found.shares[-1] == pytest.approx(2800 / 3000)
