"""Labels: to class codes and numbers, from what callers send and from what data hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Column, Contract, Map, Trim
from seaway.core.errors import BadInput, BrokenContract
from seaway.data.encode import truth
from seaway.data.rows import Table


def contract(kind: str, classes: tuple[str, ...] = (), target: Column | None = None) -> Contract:
    return Contract(
        task="any",
        per="row",
        columns=(target or Column(name="y", kind=kind, role="target"),),  # type: ignore[arg-type]
        truth=Column(name="y", kind="category" if classes else "number", categories=classes),
    )


def test_labels_of_any_type_stand_for_their_text() -> None:
    read = truth.reader(contract("integer", ("0", "1")))
    assert [read(value) for value in (0, 1, 1.0, "1")] == [0.0, 1.0, 1.0, 1.0]
    read = truth.reader(contract("boolean", ("false", "true")))
    assert [read(value) for value in (True, False, "true")] == [1.0, 0.0, 1.0]


def test_labels_are_repaired_like_the_target_was() -> None:
    target = Column(name="y", kind="category", role="target", clean=(Trim(), Map(to={"J": "yes"})))
    read = truth.reader(contract("category", ("no", "yes"), target))
    assert [read(value) for value in (" yes", "J", "no ")] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("value", ["maybe", None, [], {}, 2, True])
def test_what_is_no_class_is_refused(value: object) -> None:
    with pytest.raises(BrokenContract, match="is no truth of this model") as caught:
        truth.reader(contract("integer", ("0", "1")))(value)
    assert "'0', '1'" in caught.value.fix


@pytest.mark.parametrize("value", ["5", None, True, float("nan"), float("inf"), 1e39])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(BrokenContract, match="is no truth"):
        truth.reader(contract("number"))(value)
    assert truth.reader(contract("number"))(5) == 5.0


def test_without_a_target_there_is_nothing_to_label() -> None:
    with pytest.raises(BadInput, match="names no truth"):
        truth.reader(Contract(task="any", per="row", columns=()))


def test_a_column_of_targets() -> None:
    rows = Table(pl.DataFrame({"y": [1, 0, None, 7]}))
    found = truth.column(contract("integer", ("0", "1")), rows)
    assert found is not None
    np.testing.assert_array_equal(found, [1.0, 0.0, np.nan, np.nan])
    numbers = truth.column(contract("number"), rows)
    assert numbers is not None
    np.testing.assert_array_equal(numbers, [1.0, 0.0, np.nan, 7.0])
    assert truth.column(contract("number"), Table(pl.DataFrame({"x": [1]}))) is None
