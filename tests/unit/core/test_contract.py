"""The agreement about rows and answers: its bytes, its digest, its places in the matrix."""

from __future__ import annotations

import copy
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import canonical
from seaway.core.contract import CODE_FIRST, NAME, Blank, Clip, Column, Contract, Kind, Map, Output, Role, Series, Trim
from seaway.core.errors import BadInput, Untrusted

WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)
RULES = st.one_of(
    st.just(Trim()),
    st.builds(Blank, words=st.lists(WORDS, max_size=2).map(tuple)),
    st.builds(Map, to=st.dictionaries(WORDS, WORDS, max_size=2)),
    st.builds(Clip, low=st.none() | st.floats(-9, 9), high=st.none() | st.floats(-9, 9)),
)
COLUMNS = st.builds(
    Column,
    name=WORDS,
    kind=st.sampled_from(get_args(Kind)),
    role=st.sampled_from(get_args(Role)),
    encode=st.sampled_from(["x", "array", "none"]),
    unit=st.sampled_from(["", "EUR"]),
    categories=st.lists(WORDS, max_size=3, unique=True).map(tuple),
    range=st.none() | st.tuples(st.floats(-9, 0), st.floats(0, 9)),
    shift=st.sampled_from([0.0, 1e9]),
    parts=st.lists(st.sampled_from(["hour", "weekday"]), unique=True).map(tuple),
    clean=st.lists(RULES, max_size=2).map(tuple),
    hard=st.booleans(),
    log=st.sampled_from(["full", "digest", "none"]),
)
CONTRACTS = st.builds(
    Contract,
    task=WORDS,
    per=st.sampled_from(["row", "series", "request"]),
    columns=st.lists(COLUMNS, max_size=4, unique_by=lambda column: column.name).map(tuple),
    options=st.lists(COLUMNS, max_size=2, unique_by=lambda column: column.name).map(tuple),
    truth=st.none() | COLUMNS,
    outputs=st.lists(
        st.builds(
            Output, name=WORDS, kind=st.sampled_from(["number", "code", "document"]), unit=st.sampled_from(["", "m"])
        ),
        max_size=2,
    ).map(tuple),
    series=st.none() | st.builds(Series, frequency=st.just("1d"), season=st.integers(1, 9)),
    extra=st.sampled_from(["error", "ignore"]),
)


@given(contract=CONTRACTS)
def test_a_contract_is_read_as_it_was_written(contract: Contract) -> None:
    data = canonical.encode(contract)
    again = canonical.decode(data, Contract, where="contract.json")
    assert again == contract
    assert again.digest == contract.digest == canonical.digest(data)


@given(contract=CONTRACTS)
def test_equal_contracts_have_equal_digests_wherever_they_come_from(contract: Contract) -> None:
    as_builtins = msgspec.convert(msgspec.to_builtins(contract), Contract)
    spelled_out = Contract(**{name: getattr(contract, name) for name in contract.__struct_fields__})
    for twin in (as_builtins, spelled_out, copy.deepcopy(contract), msgspec.structs.replace(contract)):
        assert twin == contract
        assert twin.digest == contract.digest


@given(contract=CONTRACTS)
def test_the_matrix_has_one_place_per_encoded_column(contract: Contract) -> None:
    places = [name for column in contract.columns for name in column.encoded]
    assert list(contract.encoded) == places
    for place, width in contract.codes.items():
        column = contract.by_name[contract.encoded[place]]
        assert column.kind == "category"
        assert width == len(column.categories) + CODE_FIRST
    categories = [column for column in contract.columns if column.kind == "category" and column.encoded]
    assert len(contract.codes) == len(categories)


def test_a_changed_contract_forgets_the_digest_of_the_old_one() -> None:
    old = Contract(task="t", per="row", columns=(Column(name="a", kind="number"),))
    assert old.digest
    assert old.encoded == ("a",)
    new = msgspec.structs.replace(old, columns=(Column(name="b", kind="number"),))
    assert new.encoded == ("b",)
    assert new.digest != old.digest


@pytest.mark.parametrize(
    ("column", "encoded"),
    [
        (Column(name="a", kind="number"), ("a",)),
        (Column(name="a", kind="number", encode="none"), ()),
        (Column(name="a", kind="text", encode="array"), ()),
        (Column(name="a", kind="number", role="target"), ()),
        (Column(name="a", kind="number", role="id"), ()),
        (Column(name="a", kind="time", parts=("hour", "weekday")), ("a.hour", "a.weekday")),
        (Column(name="a", kind="time"), ()),
        (Column(name="a", kind="time", role="time", parts=("hour",)), ("a.hour",)),
        (Column(name="a", kind="number", role="time"), ()),
    ],
)
def test_only_features_and_parts_of_the_time_are_encoded(column: Column, encoded: tuple[str, ...]) -> None:
    assert column.encoded == encoded


@pytest.mark.parametrize("group", ["columns", "options"])
def test_a_name_stands_once(group: str) -> None:
    twice = (Column(name="a", kind="number"), Column(name="b", kind="number"), Column(name="a", kind="text"))
    with pytest.raises(BadInput, match="Column 'a' stands twice in the contract") as raised:
        Contract(**{"task": "t", "per": "row", "columns": (), group: twice})  # type: ignore[arg-type]
    assert raised.value.code == "duplicate-column"


def test_target_classes_and_outputs() -> None:
    target = Column(name="y", kind="category", role="target", categories=("no", "yes"))
    contract = Contract(
        task="t",
        per="row",
        columns=(Column(name="a", kind="number"), target),
        truth=target,
        outputs=(Output(name="label", kind="code"),),
    )
    assert contract.target == target
    assert contract.classes == ("no", "yes")
    assert [column.name for column in contract.having("feature")] == ["a"]
    assert contract.output("label").kind == "code"
    with pytest.raises(BadInput, match="has no output 'value'") as raised:
        contract.output("value")
    assert "label" in raised.value.fix
    number = msgspec.structs.replace(contract, columns=(), truth=Column(name="y", kind="number"))
    assert (number.target, number.classes) == (None, ())


@pytest.mark.parametrize(
    "change",
    [
        {"per": "cell"},
        {"columns": [{"name": "a", "kind": "object"}]},
        {"columns": [{"name": "a", "kind": "number", "code": "import os"}]},
        {"columns": [{"name": "a", "kind": "number", "clean": [{"rule": "eval", "text": "1"}]}]},
        {"hook": "module:function"},
    ],
)
def test_what_the_contract_does_not_know_is_refused(change: dict[str, Any]) -> None:
    table = {"task": "t", "per": "row", "columns": []} | change
    with pytest.raises(Untrusted, match="Not a valid Contract"):
        canonical.decode(canonical.encode(table), Contract, where="contract.json")


@pytest.mark.parametrize("name", ["credit", "credit-2", "a.b_c", "0", "a" * 64])
def test_names_that_models_may_have(name: str) -> None:
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "A", "a/b", "a b", "a\n", "a\0", "ü", "a" * 65])
def test_names_that_could_be_something_else(name: str) -> None:
    assert not NAME.fullmatch(name)


def test_a_range_of_whole_numbers_is_the_range_that_is_read_back() -> None:
    columns = [Column(name="a", kind="integer", range=ends) for ends in ((1, 5), (1.0, 5.0))]
    whole, read = (Contract(task="any", per="row", columns=(column,)) for column in columns)
    assert whole.digest == read.digest
    assert canonical.decode(canonical.encode(whole), Contract, where="here") == whole
