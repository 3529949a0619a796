from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seaway.serve import metrics
from seaway.serve.metrics import Snapshot, Tally
from tests.serving import ROW
from tests.serving import metric as value


def test_counts_are_summed_over_workers_and_gauges_are_not() -> None:
    ours, theirs = Tally(), Tally()
    for _ in range(3):
        ours.request("/v1/predict", 200, "m", "d" * 64, 0.0004)
    theirs.request("/v1/predict", 200, "m", "d" * 64, 0.3)
    text = metrics.exposition(
        ours.snapshot({"seaway_ready": {("0",): 1.0}}), [theirs.snapshot({"seaway_ready": {("1",): 0.0}})]
    )
    assert value(text, "seaway_requests_total", route="/v1/predict", release="d" * 12) == 4
    assert value(text, "seaway_request_seconds_count", route="/v1/predict") == 4
    assert value(text, "seaway_request_seconds_bucket", le="0.0005") == 3
    assert value(text, "seaway_request_seconds_bucket", le="0.5") == 4
    assert value(text, "seaway_request_seconds_sum") == pytest.approx(0.3012)
    assert value(text, "seaway_ready", worker="0") == 1
    assert value(text, "seaway_ready", worker="1") == 0


def test_a_restarted_worker_goes_on_counting(tmp_path: Path) -> None:
    tally = Tally()
    tally.request("/v1/predict", 200, "m", "d", 0.01)
    tally.count("seaway_labels", ("m",), 5)
    metrics.write(tmp_path / "w.metrics", tally.snapshot({}))
    again = Tally()
    again.take_up(metrics.read(tmp_path / "w.metrics"))
    again.request("/v1/predict", 200, "m", "d", 0.01)
    text = metrics.exposition(again.snapshot({}), [])
    assert value(text, "seaway_requests_total") == 2
    assert value(text, "seaway_labels_total") == 5
    assert value(text, "seaway_request_seconds_count") == 2


def test_a_file_that_is_no_snapshot_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "w.metrics").write_bytes(b"{nonsense")
    assert metrics.read(tmp_path / "w.metrics") == Snapshot()
    assert metrics.read(tmp_path / "none.metrics") == Snapshot()


def test_what_happens_is_counted(at_desk: Any, digests: list[str]) -> None:
    async def script(desk: Any) -> None:
        await desk.predict(ROW, ROW)
        await desk.predict({**ROW, "amount": "much"})
        await desk.label({"id": "a", "value": "bad"})
        text = desk.standing.exposition()
        assert value(text, "seaway_rows_total", arm="champion", release=digests[0][:12]) == 2
        assert value(text, "seaway_refused_cells_total", rule="type") == 1
        assert value(text, "seaway_refusals_total", code="broken-contract") == 1
        assert value(text, "seaway_labels_total") == 1
        assert value(text, "seaway_release_info", arm="champion", version="1") == 1
        assert value(text, "seaway_log_failures_total") == 0

    at_desk(script)


def test_every_metric_is_shown_even_before_it_counts() -> None:
    text = metrics.exposition(Tally().snapshot({}), []).decode()
    for name in (*metrics.COUNTERS, *metrics.GAUGES, metrics.SECONDS):
        assert f"# HELP {name}" in text
