"""Errors say what, where and what to do next, also after a journey between processes."""

from __future__ import annotations

import copy

import pytest

from seaway.core import errors
from seaway.core.errors import BadInput, BrokenContract, Cell, SeawayError

KINDS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, SeawayError) and value is not BrokenContract
]
CELLS = tuple(Cell(row=row, column="amount", value="x", rule="type", fix="Send a number.") for row in range(3))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_shows_its_three_parts(kind: type[SeawayError]) -> None:
    error = kind("It broke", where="here", fix="Mend it.")
    assert str(error) == "It broke (here)\n  what to do: Mend it."
    assert error.exit in (1, 2, 3)
    assert error.code == kind.code


def test_parts_that_are_not_given_leave_no_trace() -> None:
    assert str(SeawayError("It broke")) == "It broke"


def test_codes_are_stable_words_and_none_is_shared() -> None:
    codes = [kind.code for kind in [*KINDS, BrokenContract]]
    assert len(set(codes)) == len(codes)
    assert all(code == code.lower() and " " not in code for code in codes)


def test_a_code_of_its_own_belongs_to_one_error_only() -> None:
    assert BadInput("x", where="y", fix="z", code="no-project").code == "no-project"
    assert BadInput("x", where="y", fix="z").code == "bad-input"


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_says_the_same(kind: type[SeawayError]) -> None:
    error = kind("It broke", where="here", fix="Mend it.", code="special")
    for twin in (copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert (twin.what, twin.where, twin.fix, twin.code) == ("It broke", "here", "Mend it.", "special")
        assert str(twin) == str(error)


def test_a_broken_contract_keeps_its_cells() -> None:
    error = BrokenContract("3 cells are broken", cells=CELLS, where="rows", fix="Correct them.")
    assert error.count == 3
    capped = BrokenContract("Many cells are broken", cells=CELLS, count=70_000, where="rows", fix="Correct them.")
    for twin in (copy.copy(capped), copy.deepcopy(capped)):
        assert isinstance(twin, BrokenContract)
        assert (twin.cells, twin.count, twin.where) == (CELLS, 70_000, "rows")


def test_exit_codes_are_those_of_the_command_line() -> None:
    """1 a check, gate or verification said no; 2 wrong usage or bad input; 3 a resource failed."""
    assert {kind.__name__: kind.exit for kind in [*KINDS, BrokenContract]} == {
        "SeawayError": 3,
        "BadInput": 2,
        "NotFound": 2,
        "Malformed": 2,
        "TooLarge": 2,
        "BrokenContract": 2,
        "Refused": 1,
        "Untrusted": 1,
        "InexactExport": 1,
        "Denied": 1,
        "Throttled": 1,
        "Conflict": 1,
        "Unavailable": 3,
        "MissingExtra": 3,
    }
