"""Classes or a number: the written rule, its overrides, the order of classes, and targets that cannot be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl
import pytest

from seaway.core.contract import Blank, Column, Contract, Kind, Map
from seaway.core.errors import BadInput
from seaway.data.rows import Table
from seaway.tasks.tabular.target import shaped
from seaway.tasks.tabular.task import Tabular


def draft(values: Sequence[Any], kind: Kind, **more: Any) -> tuple[Contract, Table]:
    """Make a draft whose target `y` holds the values."""
    columns = (Column(name="x", kind="number"), Column(name="y", kind=kind, role="target", **more))
    frame = pl.DataFrame({"x": [0.0] * len(values), "y": pl.Series(values, strict=False)})
    return Contract(task="tabular", per="row", columns=columns), Table(frame)


def test_texts_are_classes_with_the_rarer_one_positive() -> None:
    found = shaped(*draft(["stay"] * 30 + ["leave"] * 10, "category"))
    assert found.classes == ("stay", "leave")
    assert [output.name for output in found.outputs] == ["probabilities", "label"]
    assert found.output("probabilities").labels == found.output("label").labels == ("stay", "leave")
    assert found.truth is not None
    assert found.truth.kind == "category"


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["yes"] * 30 + ["no"] * 10, "category", ("no", "yes")),
        (["good"] * 10 + ["bad"] * 30, "category", ("good", "bad")),
        (["Positive"] * 30 + ["negative"] * 10, "category", ("negative", "Positive")),
        (["1"] * 30 + ["0"] * 10, "integer", ("0", "1")),
        ([1.0] * 30 + [0.0] * 10, "number", ("0", "1")),
        ([True] * 30 + [False] * 10, "boolean", ("false", "true")),
        (["<=50K"] * 30 + [">50K"] * 10, "category", ("<=50K", ">50K")),
        (["b", "a"] * 15, "category", ("a", "b")),
        (["2"] * 20 + ["10"] * 20 + ["1"] * 5, "integer", ("1", "2", "10")),
        (["red", "green", "blue"] * 10, "category", ("blue", "green", "red")),
        ([0.5, 2.5] * 15, "number", ("0.5", "2.5")),
    ],
)
def test_classes_in_code_order(values: list[Any], kind: Kind, classes: tuple[str, ...]) -> None:
    assert shaped(*draft(values, kind)).classes == classes


def test_other_numbers_are_numbers() -> None:
    for values, kind in (([i / 7 for i in range(40)], "number"), (list(range(40)), "integer")):
        found = shaped(*draft(values, kind, unit="EUR"))  # type: ignore[arg-type]
        assert found.classes == ()
        assert [(output.name, output.kind, output.unit) for output in found.outputs] == [("value", "number", "EUR")]


def test_few_whole_numbers_are_classes_up_to_ten() -> None:
    assert len(shaped(*draft(list(range(10)) * 5, "integer")).classes) == 10
    assert shaped(*draft(list(range(11)) * 5, "integer")).classes == ()


def test_a_person_overrides_with_the_kind() -> None:
    assert shaped(*draft([1, 2, 3] * 10, "number")).classes == ()
    assert len(shaped(*draft(list(range(15)) * 3, "category")).classes) == 15


def test_cleaning_rules_apply_before_counting() -> None:
    clean = (Blank(words=("?",)), Map(to={"Y": "yes"}))
    found = shaped(*draft(["yes"] * 10 + ["Y"] * 10 + ["no"] * 9 + ["?"], "category", clean=clean))
    assert found.classes == ("no", "yes")


def test_former_classes_keep_their_codes() -> None:
    contract, rows = draft(["a", "b", "c"] * 10, "category")
    first = shaped(contract, rows)
    _, more = draft(["0", "a", "b", "c"] * 10, "category")
    assert shaped(first, more).classes == ("a", "b", "c", "0")
    reversed_truth = msgspec.structs.replace(first.truth, categories=("c", "b", "a"))  # type: ignore[type-var]
    assert shaped(msgspec.structs.replace(first, truth=reversed_truth), rows).classes == ("c", "b", "a")


def test_shaping_twice_changes_nothing() -> None:
    contract, rows = draft(["yes"] * 12 + ["no"] * 20, "category")
    once = Tabular().shape(contract, rows, {})
    assert Tabular().shape(once, rows, {}) == once


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["a"] * 30, "category", r"'y' has one class only, 'a'(.|\n)*at least two classes"),
        ([1.5] * 30, "number", r"'y' has one value only, '1.5'"),
        ([None] * 30, "category", r"'y' has no value in any row"),
        (["a", "b"] * 5, "category", r"'y' is known in 10 rows only(.|\n)*at least 20 rows"),
        (["a", "b"] * 15 + ["c"], "category", r"1 classes with fewer than 2 rows: 'c'(.|\n)*Leave those rows out"),
        ([f"name {i}" for i in range(300)], "text", r"300 different values(.|\n)*free text"),
    ],
)
def test_what_cannot_be_learnt_says_why(values: list[Any], kind: Kind, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        shaped(*draft(values, kind))


def test_a_target_that_is_not_there() -> None:
    contract, rows = draft(["a", "b"] * 15, "category")
    with pytest.raises(BadInput, match=r"no column 'y', which is the target(.|\n)*columns are: x"):
        shaped(contract, Table(rows.frame.select("x")))
    nameless = msgspec.structs.replace(contract, columns=contract.columns[:1])
    with pytest.raises(BadInput, match=r"No column is named as the target(.|\n)*--target"):
        shaped(nameless, rows)


def test_a_moment_is_no_target() -> None:
    with pytest.raises(BadInput, match="of kind time"):
        shaped(*draft(["2024-01-01"] * 30, "time"))
