from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seaway.core.answer import Answerer
from seaway.data import read
from seaway.data.validate import validate
from seaway.security.sign import TrustFolder
from seaway.serve import offline
from tests import credit
from tests.serving import ROW


def _by_row(found: list[dict[str, Any]]) -> Callable[[offline.Columns], None]:
    """Return what takes answers by column and appends them to `found` row by row."""

    def take(columns: offline.Columns) -> None:
        cells = [values.tolist() if isinstance(values, np.ndarray) else values for values in columns.values()]
        found.extend(dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))

    return take


@pytest.fixture
def answerer(state: Path, digests: list[str]) -> Answerer:
    return Answerer(state / "bundles" / digests[0], TrustFolder(state / "keys"))


def test_blocks_of_any_size_give_the_trained_models_answers(answerer: Answerer) -> None:
    queries, expected = map(list, zip(*credit.held_out(0), strict=True))
    rows = [query.rows[0] for query in queries]
    found: list[dict[str, Any]] = []
    seen: list[int] = []
    blocks = [rows[:7], rows[7:100], [], rows[100:]]
    done = offline.score(answerer, blocks, _by_row(found), progress=seen.append, size=40)
    assert (done.rows, done.refused, done.cells) == (len(rows), 0, ())
    assert seen[-1] == len(rows)
    assert len(seen) == 6
    for one, wanted in zip(found, expected, strict=True):
        assert one["label"] == wanted["label"]
        assert one["probabilities.bad"] == pytest.approx(wanted["probabilities"]["bad"], rel=1e-12)
        assert list(one) == offline.columns(credit.CONTRACT)


def test_broken_rows_are_listed_and_the_others_answered(answerer: Answerer) -> None:
    rows = [ROW, {**ROW, "amount": "much"}, {**ROW, "purpose": "boat"}, {**ROW, "stranger": 1}]
    found: list[dict[str, Any]] = []
    done = offline.score(answerer, [rows, rows[1:2]], _by_row(found))
    assert (done.rows, done.refused) == (2, 3)
    assert [(cell.row, cell.column) for cell in done.cells] == [(1, "amount"), (3, "stranger"), (4, "amount")]
    assert [one["label"] is None for one in found] == [False, True, False, True, True]
    assert found[2]["flags"] == "purpose:unseen"
    assert found[1]["error"] == 'amount="much" (type)'
    assert found[0]["error"] == ""


def test_the_target_in_the_file_is_not_seen_by_the_model(answerer: Answerer) -> None:
    found: list[dict[str, Any]] = []
    offline.score(answerer, [[{**ROW, "outcome": "bad"}], [ROW]], _by_row(found))
    assert found[0] == found[1]


def test_validated_rows_go_by_column_to_the_same_answers_bit_for_bit(answerer: Answerer) -> None:
    rows = [*credit.rows(300, seed=3), {**ROW, "purpose": "boat"}, {**ROW, "amount": None}, {**ROW, "months": 900}]
    found: dict[str, list[dict[str, Any]]] = {"by row": [], "by column": []}
    offline.score(answerer, [rows], _by_row(found["by row"]), size=70)
    validated = validate(read.table(rows), credit.CONTRACT)
    assert not len(validated.broken)
    done = offline.score(answerer, [validated.rows], _by_row(found["by column"]), size=70)
    assert (done.rows, done.refused) == (len(rows), 0)
    assert found["by column"] == found["by row"]
    assert found["by column"][300]["flags"] == "purpose:unseen"
