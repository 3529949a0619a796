"""A column's rules: merged, ordered, and refused where they contradict one another."""

from __future__ import annotations

import pytest

from seaway.core.contract import Blank, Clip, Column, Map, Trim
from seaway.core.errors import BadInput
from seaway.data.encode.rules import Rules


def test_trim_map_and_blank_run_in_that_order_whatever_is_written() -> None:
    column = Column(
        name="c", kind="category", clean=(Blank(words=("?", " n/a ")), Map(to={"m": "male", "x": "?"}), Trim())
    )
    rules = Rules.of(column)
    assert [rules.text(text) for text in (" m ", "male", " ? ", "n/a", "x", "f ")] == [
        "male",
        "male",
        None,
        None,
        None,
        "f",
    ]


def test_without_trim_white_space_counts_but_blanks_do_not_need_it() -> None:
    rules = Rules.of(Column(name="c", kind="category", clean=(Blank(words=("",)),)))
    assert rules.text(" a") == " a"
    assert rules.text("   ") is None


def test_clips_narrow_one_another() -> None:
    rules = Rules.of(Column(name="c", kind="number", clean=(Clip(low=0.0), Clip(low=-5.0, high=9.0))))
    assert (rules.low, rules.high) == (0.0, 9.0)


def test_hard_turns_soft_limits_into_errors_only_where_there_are_limits() -> None:
    assert Rules.of(Column(name="c", kind="number", hard=True)).outside == "flag"
    assert Rules.of(Column(name="c", kind="number", hard=True, range=(0, 1))).outside == "error"
    assert Rules.of(Column(name="c", kind="category", hard=True, categories=("a",))).unseen == "error"


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (Column(name="c", kind="number", clean=(Clip(low=5.0, high=1.0),)), "leaves nothing"),
        (
            Column(name="c", kind="category", clean=(Map(to={"a": "b", "b": "c"}),)),
            "turns 'a' into 'b', which .* into 'c'",
        ),
        (Column(name="c", kind="category", clean=(Trim(), Map(to={"a": "b "}))), "turns 'a' into 'b '"),
        (Column(name="c", kind="category", categories=("?",), clean=(Blank(words=("?",)),)), "'\\?' never comes out"),
    ],
)
def test_contradictions_are_named(column: Column, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        Rules.of(column)
    assert "column 'c'" in caught.value.where
