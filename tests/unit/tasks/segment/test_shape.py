from __future__ import annotations

import msgspec
import polars as pl
import pytest

from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput
from seaway.data import infer
from seaway.data.rows import Table
from seaway.tasks.segment.task import Segment

ROWS = Table(
    pl.DataFrame(
        {
            "id": [f"C{number * 7}" for number in range(60)],
            "at": [f"2024-01-{1 + number % 28:02d}T10:00:00" for number in range(60)],
            "spent": [float(number % 13) + 0.5 for number in range(60)],
            "country": ["France", "Spain", "Italy"] * 20,
        }
    )
)


def draft(**said: object) -> Contract:
    return infer.draft(ROWS, ids=["id"], **said)[0]  # type: ignore[arg-type]


def test_the_outputs_are_there_before_anyone_knows_how_many_segments() -> None:
    found = Segment().shape(draft(), ROWS, {})
    assert (found.per, found.truth) == ("row", None)
    assert [output.name for output in found.outputs] == ["segment", "distances", "outlier"]
    assert all(output.labels == () for output in found.outputs)
    assert [column.name for column in found.having("id")] == ["id"]


def test_the_moment_a_row_was_written_down_makes_none_alike() -> None:
    found = Segment().shape(draft(time="at"), ROWS, {})
    assert found.by_name["at"].role == "time"
    assert set(found.encoded) == {"spent", "country"}


def test_a_target_is_for_another_task() -> None:
    with pytest.raises(BadInput, match="Segments have no target, yet 'spent' is named") as refusal:
        Segment().shape(draft(target="spent"), ROWS, {})
    assert "--task tabular" in refusal.value.fix


def test_weights_are_refused_rather_than_ignored() -> None:
    columns = tuple(
        msgspec.structs.replace(column, role="weight") if column.name == "spent" else column
        for column in draft().columns
    )
    with pytest.raises(BadInput, match="'spent' is named as a weight"):
        Segment().shape(msgspec.structs.replace(draft(), columns=columns), ROWS, {})


def test_few_rows_and_no_columns_are_refused() -> None:
    with pytest.raises(BadInput, match="49 rows are too few"):
        Segment().shape(draft(), ROWS.take(pl.Series(range(49)).to_numpy()), {})
    alone = Contract(task="segment", per="row", columns=(Column(name="id", kind="text", role="id"),))
    with pytest.raises(BadInput, match="No column is left to tell rows apart by"):
        Segment().shape(alone, ROWS, {})
