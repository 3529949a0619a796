"""A44 for series and for segments: the training process, HTTP, the notebook and batch files give one and the same answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import seaway as sw
from seaway.core import candidate, parity
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Query
from seaway.core.candidate import Candidate
from seaway.serve.predictions import arrays
from seaway.workflow import dataset
from seaway.workflow.workspace import open_project
from tests.e2e.shell import Server, seaway
from tests.e2e.worlds import Buyers, Shops

TOLERANCE = 1e-6


def test_series_are_answered_alike_everywhere(tmp_path: Path) -> None:
    Shops(10).write(tmp_path / "sales.csv", 90)
    options = (
        "--task",
        "forecast",
        "--target",
        "sales",
        "--time",
        "day",
        "--id",
        "shop",
        "--ahead",
        "promo",
        "--horizon",
        7,
    )
    assert _walked(tmp_path, "sales.csv", options, trials=1) >= 10


def test_segments_are_answered_alike_everywhere(tmp_path: Path) -> None:
    Buyers(150).write(tmp_path / "orders.csv")
    assert _walked(tmp_path, "orders.csv", ("--recipe", "customer-behaviour"), trials=4) >= 20


@pytest.mark.soak
@pytest.mark.parametrize(
    ("file", "options"),
    [
        (
            "forecasting/air_passengers.csv",
            ("--task", "forecast", "--target", "passengers", "--time", "month", "--horizon", 12),
        ),
        (
            "forecasting/walmart_weekly_sales.csv",
            ("--task", "forecast", "--target", "Weekly_Sales", "--id", "Store", "--time", "Date", "--horizon", 13),
        ),
        (
            "forecasting/m4_hourly.parquet",
            ("--task", "forecast", "--target", "value", "--id", "series_id", "--time", "timestamp", "--horizon", 48),
        ),
        ("retail/online_retail_france.csv", ("--recipe", "customer-behaviour")),
    ],
    ids=["air", "walmart", "m4", "retail"],
)
def test_real_data_are_answered_alike_everywhere(
    file: str, options: Sequence[object], shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    source = shared_data(file)
    if source.suffix == ".parquet":
        frame = polars.read_parquet(source)
        source = tmp_path / "source.csv"
        frame.drop("split", strict=False).write_csv(source)
    assert _walked(tmp_path, source, options, trials=2)


def _walked(place: Path, source: Path | str, options: Sequence[object], *, trials: int) -> int:
    """Walk from the file to a served release and hold every door to the training process; returns the real cases."""
    seaway(place, "new", "project", "--data", source, *options)
    folder = place / "project"
    run = seaway(folder, "train", "--trials", trials, "--preset", "fast")
    released = seaway(folder, "release")
    made = candidate.load(folder / ".seaway" / "runs" / run["run"])
    data = dataset.load(open_project(folder))
    real = encoder_of(made.contract).queries(data, data.split.train, made.witness.real)
    with Server(folder) as server:
        for queries, answers in ((made.witness.queries, made.witness.answers), (real, made.witness.real_answers)):
            _held("HTTP", _over_http(server, queries), answers, made)
            _held("sw.load", _in_process(Path(released["folder"]), queries), answers, made)
    _held_file(folder, place, real, made)
    return len(real)


def _held(door: str, predictions: list[dict[str, Any]], answers: Mapping[str, Array], made: Candidate) -> None:
    found = arrays(predictions, made.contract)
    difference = parity.compare(answers, found, made.contract, TOLERANCE)
    assert difference.cases == len(predictions)
    assert difference.holds, f"{door}: {difference}"
    assert difference.near == 0, f"{door}: decisions at a tie: {difference}"


def _over_http(server: Server, queries: Sequence[Query]) -> list[dict[str, Any]]:
    return [server.predict(query.rows, options=query.options)["predictions"][0] for query in queries]


def _in_process(bundle: Path, queries: Sequence[Query]) -> list[dict[str, Any]]:
    release = sw.load(bundle)
    return [release.predict(query.rows, **query.options)[0] for query in queries]


def _held_file(folder: Path, place: Path, real: Sequence[Query], made: Candidate) -> None:
    """Score a file of the real cases, and hold its numbers to the training process."""
    rows = [row for query in real for row in query.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    polars.DataFrame([{name: row.get(name) for name in names} for row in rows], infer_schema_length=None).write_csv(
        place / "real.csv"
    )
    seaway(folder, "score", place / "real.csv", "-o", place / "answers.parquet")
    table = polars.read_parquet(place / "answers.parquet")
    for output in made.contract.outputs:
        if output.axes not in ((), ("step",)) or output.kind != "number":
            continue
        wanted = made.witness.real_answers[output.name].ravel()
        np.testing.assert_allclose(table[output.name].to_numpy(), wanted[~np.isnan(wanted)], rtol=TOLERANCE)
