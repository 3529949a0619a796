"""The path of series, walked with the command line and a client: shops that forecast their week, and promotions that change."""

from __future__ import annotations

import csv
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars
import pytest

from tests.e2e.shell import Server, refused, seaway
from tests.e2e.worlds import Shops

HORIZON, HISTORY, LEARNT, CHANGED = 7, 42, 77, 92
WORLD = Shops(24, changed=CHANGED)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Walk a project from `new` to `verify`; returns its folder and what each command printed."""
    place = tmp_path_factory.mktemp("forecast")
    WORLD.write(place / "sales.csv", LEARNT)
    steps: dict[str, Any] = {}
    options = ("--task", "forecast", "--target", "sales", "--time", "day", "--id", "shop")
    shape = ("--ahead", "promo", "--horizon", HORIZON)
    steps["new"] = seaway(place, "new", "project", "--data", "sales.csv", *options, *shape, "--name", "shop-sales")
    folder = place / "project"
    _judge_sooner(folder)
    steps["check"] = seaway(folder, "check", exits=(0, 1))
    steps["train"] = seaway(folder, "train", "--trials", "2", "--preset", "fast")
    steps["release"] = seaway(folder, "release")
    steps["verify"] = seaway(folder, "verify", steps["release"]["folder"])
    return folder, steps


@pytest.fixture(scope="module")
def server(walk: tuple[Path, dict[str, Any]]) -> Iterator[Server]:
    with Server(walk[0]) as running:
        yield running


def _judge_sooner(folder: Path) -> None:
    """Ask for less evidence than a year of sales would bring, so that the loop can be seen to turn."""
    path = folder / "seaway.toml"
    text = path.read_text()
    text = text.replace("window = 1000", "window = 60").replace("labels = 200", "labels = 100")
    text = text.replace("[update]", "[update]\nlabels = 120\nshadow = 40\ncanary_cases = 40\ncanary = [0.3]")
    path.write_text(text)


# ------------------------------------------------------------------------------------------------------------- lab


def test_new_finds_the_shape_of_the_series(walk: tuple[Path, dict[str, Any]]) -> None:
    made = walk[1]["new"]
    series = made["contract"]["series"]
    assert (series["frequency"], series.get("season"), series["horizon"]) == ("1d", 7, HORIZON)
    columns = {column["name"]: column for column in made["contract"]["columns"]}
    assert columns["shop"]["role"] == "id"
    assert columns["day"]["role"] == "time"
    assert columns["promo"]["ahead"] is True
    said = {verdict["code"] for verdict in made["verdicts"]}
    assert any(code.startswith("I01") for code in said), "frequency, gaps and zone are told"


def test_check_tells_what_can_go_wrong_with_time(walk: tuple[Path, dict[str, Any]]) -> None:
    found = walk[1]["check"]
    assert found["outcome"] != "fail", [one for one in found["verdicts"] if one["outcome"] == "fail"]
    page = Path(found["report"]).read_text()
    assert "<svg" in page
    assert "shop-" in page, "series are drawn"


def test_train_beats_seasonal_naive_and_states_honest_intervals(walk: tuple[Path, dict[str, Any]]) -> None:
    run = walk[1]["train"]
    lines = {line["model"]: line["score"] for line in run["leaderboard"]}
    assert {"naive", "seasonal-naive", "drift"} <= set(lines)
    assert run["scores"]["test.mase"]["value"] < lines["seasonal-naive"]
    assert 0.8 <= run["scores"]["test.coverage"]["value"] <= 1.0
    assert 0.85 <= run["scores"]["oof.coverage"]["value"] <= 0.95
    assert "<svg" in Path(run["report"]).read_text()


def test_the_release_proves_its_answers_over_http(walk: tuple[Path, dict[str, Any]]) -> None:
    verdicts = {verdict["code"]: verdict["outcome"] for verdict in walk[1]["release"]["verdicts"]}
    assert verdicts["R011"] == verdicts["R012"] == verdicts["R020"] == verdicts["R022"] == "pass"
    assert {verdict["outcome"] for verdict in walk[1]["verify"]["verdicts"]} <= {"pass", "not-applicable"}


# ------------------------------------------------------------------------------------------------------- answering


def test_an_answer_says_which_days_it_is_about(server: Server) -> None:
    told = server.post("/v1/predict", WORLD.question(3, LEARNT, history=HISTORY, horizon=5)).json()
    (prediction,) = told["predictions"]
    assert prediction["id"] == "shop-03"
    assert prediction["at"] == [WORLD.at(LEARNT + step) for step in range(1, 6)]
    assert len(prediction["mean"]) == 5
    low, middle, high = (prediction["quantiles"][level] for level in ("0.05", "0.5", "0.95"))
    assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    truth = [WORLD.sales(3, LEARNT + step) for step in range(1, 6)]
    assert sum(abs(a - b) for a, b in zip(prediction["mean"], truth, strict=True)) < 0.25 * sum(truth)


def test_several_series_are_answered_at_once_as_one_by_one(server: Server) -> None:
    questions = [WORLD.question(shop, LEARNT, history=HISTORY, horizon=HORIZON) for shop in (0, 4, 9)]
    together = server.post("/v1/predict", {"rows": list(itertools.chain(*(q["rows"] for q in questions)))}).json()
    alone = [server.post("/v1/predict", question).json()["predictions"][0] for question in questions]
    assert [one["id"] for one in together["predictions"]] == ["shop-00", "shop-04", "shop-09"]
    for one, other in zip(together["predictions"], alone, strict=True):
        assert one["mean"] == pytest.approx(other["mean"], rel=1e-12)


def test_rows_may_come_in_any_order(server: Server) -> None:
    question = WORLD.question(2, LEARNT, history=HISTORY, horizon=3)
    turned = {**question, "rows": question["rows"][::-1]}
    one, other = (server.post("/v1/predict", body).json()["predictions"][0] for body in (question, turned))
    assert one == other


def test_what_no_series_can_be_is_refused_cell_by_cell(server: Server) -> None:
    question = WORLD.question(2, LEARNT, history=HISTORY, horizon=3)
    doubled = {**question, "rows": [*question["rows"], question["rows"][0]]}
    response = server.post("/v1/predict", doubled)
    assert response.status_code == 422
    assert response.json()["error"]["cells"][0]["rule"] == "duplicate"
    far = server.post("/v1/predict", {**question, "options": {"horizon": 400}})
    assert far.status_code == 400
    assert "horizon" in far.json()["error"]["path"]
    nothing = server.post("/v1/predict", {"rows": [WORLD.row(2, LEARNT, sold=False)]})
    assert nothing.status_code == 422
    assert nothing.json()["error"]["cells"][0]["rule"] == "history"


def test_score_writes_a_line_for_each_step(walk: tuple[Path, dict[str, Any]], tmp_path: Path, server: Server) -> None:
    source, target = tmp_path / "history.csv", tmp_path / "ahead.csv"
    questions = [WORLD.question(shop, LEARNT, history=HISTORY, horizon=HORIZON) for shop in range(3)]
    with source.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["shop", "day", "promo", "sales"])
        writer.writeheader()
        writer.writerows(row for question in questions for row in question["rows"])
    done = seaway(walk[0], "score", source, "-o", target)
    assert done["refused"] == 0
    table = polars.read_csv(target)
    assert table.height == 3 * HORIZON
    served = server.post("/v1/predict", questions[1]).json()["predictions"][0]
    own = table.filter(polars.col("shop") == "shop-01")
    assert own["at"].to_list() == served["at"]
    assert own["mean"].to_list() == pytest.approx(served["mean"], rel=1e-12)


# ----------------------------------------------------------------------------------------------- actuals and update


class Evenings(threading.Thread):
    """Every shop asks on each evening, and a week later says what it sold: days go on until stopped."""

    def __init__(self, port: int, first: int) -> None:
        super().__init__(daemon=True)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        self.day, self.releases, self.failure = first, dict[str, int](), None
        self._end = threading.Event()

    def evening(self) -> None:
        """Live one day: every shop asks, and tells what today brought."""
        for shop in range(WORLD.count):
            body = WORLD.question(shop, self.day, history=HISTORY, horizon=HORIZON)
            response = self.client.post("/v1/predict", json=body)
            assert response.status_code == 200, response.text
            release = response.json()["release"]
            self.releases[release] = self.releases.get(release, 0) + 1
        self.day += 1
        labels = [WORLD.label(shop, self.day) for shop in range(WORLD.count)]
        response = self.client.post("/v1/labels", json={"labels": labels})
        assert response.status_code == 200, response.text

    def run(self) -> None:
        try:
            while not self._end.wait(0.25):
                self.evening()
        except (httpx.HTTPError, AssertionError) as error:
            self.failure = error

    def close(self) -> None:
        """Stop after this evening."""
        self._end.set()
        self.join(30)


def test_actuals_are_joined_the_alarm_is_raised_and_the_loop_turns(
    walk: tuple[Path, dict[str, Any]], server: Server, request: pytest.FixtureRequest
) -> None:
    folder, steps = walk
    first = steps["release"]["digest"]
    life = Evenings(server.port, LEARNT)
    request.addfinalizer(life.client.close)
    for _ in range(CHANGED - LEARNT):  # quiet days
        life.evening()
    quiet = seaway(folder, "monitor", exits=(0, 1))
    assert _alarms(quiet) == [], "nothing has changed yet"
    joined = next(one for one in quiet["verdicts"] if one["code"] == "M012")
    assert joined["outcome"] == "pass", joined

    while life.day < CHANGED + 85:  # by then most of what is known is of the new kind
        life.evening()
    found = seaway(folder, "monitor", exits=(1,))
    assert "M010" in _alarms(found), "the forecasts have become worse than when they were tested"
    fallen = next(one for one in found["verdicts"] if one["code"] == "M010" and one["outcome"] == "fail")
    assert "mase" in fallen["subject"]

    life.start()
    try:
        done = seaway(folder, "update", "--budget", "12s", "--wait", "60s", exits=(0, 1))
    finally:
        life.close()
    assert life.failure is None
    assert done["state"] == "promoted", done
    second = done["champion"] if "champion" in done else seaway(folder, "models")[-1]["digest"]
    assert set(life.releases) == {first, second} or len(life.releases) == 2, life.releases
    reasons = [entry["reason"] for entry in seaway(folder, "history")]
    assert any("performance" in reason or "drift" in reason for reason in reasons)
    assert any("mase" in reason and "the challenger is" in reason for reason in reasons), "the gate's evidence is kept"

    new = _asked_of_all(server, life.day)
    assert first not in _releases(new)
    seaway(folder, "rollback", "--reason", "to see the way back")
    end = time.monotonic() + 20
    while _releases(old := _asked_of_all(server, life.day)) != {first}:
        assert time.monotonic() < end, "the rollback is not followed"
        time.sleep(0.05)
    assert [one["predictions"][0]["at"] for one in old] == [one["predictions"][0]["at"] for one in new]


def test_a_file_of_actuals_joins_by_shop_and_day(walk: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    source = tmp_path / "actuals.csv"
    WORLD.write(source, 3)
    done = seaway(walk[0], "label", source)
    assert (done["taken"], done["refused"]) == (3 * WORLD.count, 0)


def test_a_label_about_no_moment_is_refused(walk: tuple[Path, dict[str, Any]], server: Server) -> None:
    response = server.post("/v1/labels", {"labels": [{"id": "shop-01", "value": 12.0}]})
    assert response.status_code in (400, 404, 422)
    assert "at" in response.text


def test_the_door_names_what_is_missing(tmp_path: Path) -> None:
    WORLD.write(tmp_path / "sales.csv", 60)
    error = refused(tmp_path, "new", "project", "--data", "sales.csv", "--task", "forecast", "--time", "day")
    assert "target" in error["message"] + error["fix"]


def _alarms(found: dict[str, Any]) -> list[str]:
    return [one["code"] for one in found["verdicts"] if one["outcome"] == "fail"]


def _asked_of_all(server: Server, day: int) -> list[dict[str, Any]]:
    """Return every shop's answer on the evening of `day`."""
    questions = (WORLD.question(shop, day, history=HISTORY, horizon=HORIZON) for shop in range(WORLD.count))
    return [server.post("/v1/predict", question).json() for question in questions]


def _releases(told: list[dict[str, Any]]) -> set[str]:
    return {one["release"] for one in told}
