"""The path without any labels: orders become customers, customers become segments, and the mix of customers changes."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars
import pytest

from tests.e2e.shell import Server, seaway
from tests.e2e.worlds import Buyers

WORLD = Buyers(480)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Walk a project from `new` to `verify`; returns its folder and what each command printed."""
    place = tmp_path_factory.mktemp("segment")
    WORLD.write(place / "orders.csv")
    steps: dict[str, Any] = {}
    steps["new"] = seaway(place, "new", "project", "--data", "orders.csv", "--recipe", "customer-behaviour")
    folder = place / "project"
    path = folder / "seaway.toml"
    text = path.read_text().replace("window = 1000", "window = 300")
    path.write_text(text.replace("[update]", "[update]\nlabels = 150\nshadow = 40\ncanary_cases = 40\ncanary = [0.3]"))
    steps["check"] = seaway(folder, "check", exits=(0, 1))
    steps["train"] = seaway(folder, "train", "--trials", "6", "--preset", "fast")
    steps["release"] = seaway(folder, "release")
    steps["verify"] = seaway(folder, "verify", steps["release"]["folder"])
    return folder, steps


@pytest.fixture(scope="module")
def server(walk: tuple[Path, dict[str, Any]]) -> Iterator[Server]:
    with Server(walk[0]) as running:
        yield running


@pytest.fixture(scope="module")
def customers(walk: tuple[Path, dict[str, Any]], server: Server) -> list[dict[str, Any]]:
    """Customers as the recipe makes them of their orders, answered by `score`: rows a client may send again."""
    folder = walk[0]
    seaway(folder, "score", folder.parent / "orders.csv", "-o", folder.parent / "scored.csv")
    from seaway.data import prepared  # the same step that the project recorded
    from seaway.workflow.workspace import open_project

    workspace = open_project(folder)
    rows = prepared.table(folder.parent / "orders.csv", workspace.settings).records()
    known = {column["name"] for column in server.get("/v1/contract").json()["contract"]["columns"]}
    return [{name: value for name, value in row.items() if name in known} for row in rows]


def test_the_recipe_is_recorded_and_brings_its_task(walk: tuple[Path, dict[str, Any]]) -> None:
    folder, steps = walk
    assert steps["new"]["contract"]["task"] == "segment"
    assert steps["new"]["rows"] == WORLD.count, "one row for each customer"
    text = (folder / "seaway.toml").read_text()
    assert 'recipe = "customer-behaviour"' in text
    assert 'customer = "CustomerID"' in text


def test_train_chooses_a_stable_number_of_segments(walk: tuple[Path, dict[str, Any]]) -> None:
    run = walk[1]["train"]
    assert run["scores"]["oof.stability"]["value"] > 0.9
    assert run["scores"]["test.silhouette"]["value"] > 0.4
    page = Path(run["report"]).read_text()
    assert "<svg" in page
    assert "What the answers mean" in page


def test_an_answer_is_the_segment_its_distances_and_how_far_out(
    server: Server, customers: list[dict[str, Any]]
) -> None:
    told = server.predict(customers[:90])
    contract = server.get("/v1/contract").json()["contract"]
    output = next(one for one in contract["outputs"] if one["name"] == "segment")
    assert len(output["notes"]) == len(output["labels"]) >= 3
    for one in told["predictions"]:
        assert one["segment"] in output["labels"]
        assert set(one["distances"]) == set(output["labels"])
        assert one["outlier"] >= 0
    kinds = [(int(row[_id(row)]) - 10000) % 3 for row in customers[:90]]
    found = [one["segment"] for one in told["predictions"]]
    by_kind = [{segment for kind, segment in zip(kinds, found, strict=True) if kind == which} for which in range(3)]
    assert not by_kind[0] & by_kind[1], "few large orders and many small ones are told apart"
    assert not by_kind[1] & by_kind[2], "and so are those who left"


def test_score_reads_the_orders_themselves(walk: tuple[Path, dict[str, Any]], customers: list[dict[str, Any]]) -> None:
    table = polars.read_csv(walk[0].parent / "scored.csv")
    assert table.height == WORLD.count
    assert {"segment", "outlier"} <= set(table.columns)


def test_there_is_nothing_to_label(server: Server) -> None:
    response = server.post("/v1/labels", {"labels": [{"id": "10001", "value": "1"}]})
    assert response.status_code in (400, 422)
    assert "truth" in response.text


class Counter(threading.Thread):
    """Customers who are asked about without pause, until stopped."""

    def __init__(self, port: int, rows: list[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self._url, self._rows, self._end = f"http://127.0.0.1:{port}/v1/predict", rows, threading.Event()
        self.releases, self.failure = dict[str, int](), None

    def run(self) -> None:
        with httpx.Client(timeout=30, trust_env=False) as client:
            for row in itertools.cycle(self._rows):
                if self._end.wait(0.004):
                    return
                try:
                    response = client.post(self._url, json={"rows": [row]})
                    assert response.status_code == 200, response.text
                except (httpx.HTTPError, AssertionError) as error:
                    self.failure = error
                    return
                release = response.json()["release"]
                self.releases[release] = self.releases.get(release, 0) + 1

    def close(self) -> None:
        self._end.set()
        self.join(30)


def test_the_mix_changes_the_alarm_is_raised_and_the_loop_turns(
    walk: tuple[Path, dict[str, Any]], server: Server, customers: list[dict[str, Any]]
) -> None:
    folder, steps = walk
    first = steps["release"]["digest"]
    for row in customers[:320]:
        server.predict([row])
    assert _alarms(seaway(folder, "monitor", exits=(0, 1))) == [], "the mix is that of the orders learnt from"

    # Now most are those who left long ago, and there is a kind never seen: many huge orders.
    gone = [row for row in customers if (int(row[_id(row)]) - 10000) % 3 == 2]
    new = [{**row, **_wholesale(row)} for row in customers if (int(row[_id(row)]) - 10000) % 3 == 1]
    mixed = [row for three in zip(gone[::2], gone[1::2], new, strict=False) for row in three]
    for row in itertools.islice(itertools.cycle(mixed), 310):
        server.predict([row])
    found = seaway(folder, "monitor", exits=(1,))
    moved = [one for one in found["verdicts"] if one["outcome"] == "fail" and one["code"] == "M005"]
    assert any("segment" in one["subject"] for one in moved), "the shares of the segments have moved, without one label"

    crowd = Counter(server.port, mixed)
    crowd.start()
    try:
        done = seaway(folder, "update", "--budget", "10s", "--wait", "60s", exits=(0, 1))
    finally:
        crowd.close()
    assert crowd.failure is None
    assert done["state"] == "promoted", done
    assert len(crowd.releases) == 2, crowd.releases
    before = server.predict([mixed[0]])["release"]
    assert before != first
    seaway(folder, "rollback", "--reason", "to see the way back")
    end = time.monotonic() + 20
    while server.predict([mixed[0]])["release"] != first:
        assert time.monotonic() < end, "the rollback is not followed"
        time.sleep(0.05)


def _id(row: dict[str, Any]) -> str:
    return next(name for name in row if name.lower().startswith("customer"))


def _wholesale(row: dict[str, Any]) -> dict[str, Any]:
    """Return a buyer of one huge order, whatever the features are called."""
    return {name: row[name] * 40 for name in row if name in ("monetary", "average_order", "items")}


def _alarms(found: dict[str, Any]) -> list[str]:
    return [one["code"] for one in found["verdicts"] if one["outcome"] == "fail"]
