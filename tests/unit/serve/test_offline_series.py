"""Files of series: the served answers, one record for each step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seaway.core.answer import Answerer
from seaway.security.sign import TrustFolder
from seaway.serve import offline, offline_series
from tests import sales, shoppers


def opened(state: Path) -> Answerer:
    (bundle,) = (path for path in (state / "bundles").iterdir() if path.is_dir())
    return Answerer(bundle, TrustFolder(state / "keys"))


@pytest.fixture
def answerer(sales_state: Path) -> Answerer:
    return opened(sales_state)


def case(start: int, rows: Sequence[dict[str, Any]]) -> offline_series.Case:
    return np.arange(start, start + len(rows)), rows


def cases() -> list[offline_series.Case]:
    return [case(100 * number, sales.asked(shop).rows) for number, shop in enumerate(sales.SHOPS)]


@pytest.mark.parametrize("size", [1, 70, 10_000])
def test_every_step_stands_beside_its_series_and_moment_however_series_go_out(answerer: Answerer, size: int) -> None:
    found: list[dict[str, Any]] = []
    seen: list[int] = []
    done = offline_series.score(answerer, cases(), found.extend, progress=seen.append, size=size)
    assert (done.rows, done.refused, done.cells) == (len(sales.SHOPS) * sales.DAYS, 0, ())
    assert seen[-1] == done.rows
    assert len(found) == len(sales.SHOPS) * sales.HORIZON
    assert all(list(one) == offline_series.columns(sales.CONTRACT) for one in found)
    lines = iter(found)
    for _, wanted in sales.held_out():
        for step, at in enumerate(wanted["at"]):
            one = next(lines)
            assert (one["shop"], one["at"], one["flags"], one["error"]) == (wanted["id"], at, "", "")
            assert one["mean"] == pytest.approx(wanted["mean"][step], rel=1e-12)
            for level in sales.NAMES:
                assert one[f"quantiles.{level}"] == pytest.approx(wanted["quantiles"][level][step], rel=1e-12)


def test_a_broken_series_gets_one_line_with_the_reason_and_the_others_are_answered(answerer: Answerer) -> None:
    parts = cases()
    index, rows = parts[1]
    parts[1] = np.append(index, 999), [*rows, dict(rows[4])]
    found: list[dict[str, Any]] = []
    done = offline_series.score(answerer, parts, found.extend, options={"horizon": 2})
    assert (done.rows, done.refused) == (2 * sales.DAYS, sales.DAYS + 1)
    assert {cell.rule for cell in done.cells} == {"duplicate"}
    assert {cell.row for cell in done.cells} <= {104, 999}
    assert [one["shop"] for one in found] == ["north", "north", "south", "west", "west"]
    assert found[2]["error"].startswith("day=")
    assert found[2]["mean"] is None
    assert list(found[2]) == offline_series.columns(sales.CONTRACT)


def test_flags_stand_on_every_line_of_their_series(answerer: Answerer) -> None:
    rows = sales.asked("north").rows
    found: list[dict[str, Any]] = []
    offline_series.score(answerer, [case(0, [*rows[:50], *rows[51:]])], found.extend)
    assert {one["flags"] for one in found} == {"day:gap"}


def _by_row(columns: offline.Columns) -> list[dict[str, Any]]:
    cells = [values.tolist() if isinstance(values, np.ndarray) else values for values in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def test_answers_without_a_truth_stand_in_columns_of_their_own(shoppers_state: Path) -> None:
    found: list[dict[str, Any]] = []
    answerer, rows = opened(shoppers_state), shoppers.rows(25, seed=4)
    done = offline.score(answerer, [rows], lambda columns: found.extend(_by_row(columns)))
    assert (done.rows, done.refused) == (25, 0)
    assert list(found[0]) == [
        "customer",
        "segment",
        *(f"distances.{label}" for label in "123"),
        "outlier",
        "flags",
        "error",
    ]
    (answered,) = answerer.answer([answerer.encoder.request(rows)])
    assert [one["segment"] for one in found] == [one["segment"] for one in answered.predictions]
    assert [one["distances.2"] for one in found] == [one["distances"]["2"] for one in answered.predictions]
