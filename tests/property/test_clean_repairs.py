"""Repairs: done twice they change nothing, whatever order the contract lists them in; dedupe drops only repeats."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.contract import Blank, Clip, Column, Contract, Map, Rule, Trim
from seaway.core.errors import BadInput
from seaway.data.clean import dedupe
from seaway.data.encode.rules import Rules
from seaway.data.rows import Table
from seaway.data.validate import validate

texts = st.text(alphabet="ab ?\t", max_size=4)
rules = st.lists(
    st.one_of(
        st.just(Trim()),
        st.builds(lambda words: Blank(words=tuple(words)), st.lists(texts, max_size=3)),
        st.builds(lambda to: Map(to=to), st.dictionaries(texts, texts, max_size=3)),
    ),
    max_size=3,
)


def worked_out(clean: list[Rule], kind: str = "category") -> Rules | None:
    try:
        return Rules.of(Column(name="c", kind=kind, clean=tuple(clean)))  # type: ignore[arg-type]
    except BadInput:
        return None  # a map that leads on to another repair: refused when the contract is read


@given(rules, texts)
def test_a_repaired_text_stays_as_it_is(clean: list[Rule], text: str) -> None:
    found = worked_out(clean)
    if found is not None:
        once = found.text(text)
        assert once is None or found.text(once) == once


@given(rules, texts, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(clean: list[Rule], text: str, random: object) -> None:
    if sum(isinstance(rule, Map) for rule in clean) > 1:
        return  # two maps may name one text twice; the later one wins
    other = sorted(clean, key=lambda rule: type(rule).__name__)
    one, two = worked_out(clean), worked_out(other)
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert one.text(text) == two.text(text)


@given(st.lists(st.one_of(texts, st.none()), min_size=1, max_size=30), rules)
def test_a_column_is_repaired_like_its_cells(column: list[str | None], clean: list[Rule]) -> None:
    found = worked_out(clean)
    if found is None:
        return
    contract = Contract(task="any", per="row", columns=(Column(name="c", kind="category", clean=tuple(clean)),))
    repaired = validate(Table(pl.DataFrame({"c": column}, schema={"c": pl.String})), contract).rows
    assert repaired.frame["c"].to_list() == [None if text is None else found.text(text) for text in column]


@given(st.floats(allow_nan=False), st.floats(-10, 10), st.floats(-10, 10))
def test_clipping_twice_is_clipping_once(value: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    rules = Rules.of(Column(name="c", kind="number", clean=(Clip(low=low), Clip(high=high))))
    held = min(max(value, rules.low), rules.high)
    assert rules.low <= held <= rules.high
    assert min(max(held, rules.low), rules.high) == held


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.sampled_from(["i", "j"])), min_size=1, max_size=20)
)
def test_dedupe_keeps_the_first_of_equal_rows_and_nothing_else_goes(cells: list[tuple[str, int, str]]) -> None:
    frame = pl.DataFrame(
        {
            "n": range(len(cells)),
            "c": [c for c, _, _ in cells],
            "k": [k for _, k, _ in cells],
            "i": [i for *_, i in cells],
        }
    )
    contract = Contract(
        task="any",
        per="row",
        columns=(
            Column(name="n", kind="integer", role="ignore"),
            Column(name="c", kind="category"),
            Column(name="k", kind="integer"),
            Column(name="i", kind="category", role="id"),
        ),
    )
    kept, verdict = dedupe(Table(frame), contract)
    firsts = [number for number, cell in enumerate(cells) if cell not in cells[:number]]
    assert kept.frame["n"].to_list() == firsts
    assert verdict.value == len(cells) - len(firsts)
