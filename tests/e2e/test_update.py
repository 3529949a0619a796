"""A model in production: promotions and rollbacks under load, and a turn of the update loop."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.e2e.projects import Walked, copied
from tests.e2e.shell import Server, refused, seaway


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return copied(tmp_path_factory, "credit")


@pytest.fixture(scope="module")
def server(project: Walked) -> Iterator[Server]:
    with Server(project.folder) as running:
        yield running


class Ledger(threading.Thread):
    """A client that asks without pause and writes down every answer: (when, status, release)."""

    def __init__(self, port: int, rows: list[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self._url, self._rows = f"http://127.0.0.1:{port}/v1/predict", rows
        self._stop_asking = threading.Event()
        self.entries: list[tuple[float, int, str]] = []
        self.failure: httpx.HTTPError | None = None

    def run(self) -> None:
        with httpx.Client(timeout=30, trust_env=False) as client:
            for row in itertools.cycle(self._rows):
                if self._stop_asking.is_set():
                    return
                try:
                    response = client.post(self._url, json={"rows": [row]})
                except httpx.HTTPError as error:
                    self.failure = error
                    return
                release = response.json().get("release", response.text)
                self.entries.append((time.time(), response.status_code, release))

    def close(self) -> None:
        """Stop asking and wait for the last answer."""
        self._stop_asking.set()
        self.join(30)


def test_promotions_are_followed_without_a_restart_or_a_failed_request(project: Walked, server: Server) -> None:
    first, second = project.digests
    rows = project.rows(0, 50)
    before = server.predict(rows)
    workers = {worker["pid"] for worker in server.workers()}
    ledgers = [Ledger(server.port, rows) for _ in range(2)]
    for ledger in ledgers:
        ledger.start()
    try:
        moved = seaway(project.folder, "promote", "2", "--reason", "tried beside the first for a week")
        assert moved["champion"] == second
        server.follows(second, rows[0])
        time.sleep(0.3)
        back = seaway(project.folder, "rollback", "--reason", "worse on new customers")
        server.follows(first, rows[0])
        assert back["champion"] == first
        time.sleep(0.3)
    finally:
        for ledger in ledgers:
            ledger.close()
    assert [ledger.failure for ledger in ledgers] == [None, None]
    assert {status for ledger in ledgers for _, status, _ in ledger.entries} == {200}
    for ledger in ledgers:
        answered = [release for release, _ in itertools.groupby(release for _, _, release in ledger.entries)]
        assert answered == [first, second, first], "each switch happens once, between two requests"
    moved_at = datetime.fromisoformat(seaway(project.folder, "history")[-1]["at"]).timestamp()
    last_of_second = max(when for ledger in ledgers for when, _, release in ledger.entries if release == second)
    assert last_of_second - moved_at < 2.0, "a rollback answers within two seconds"
    assert server.predict(rows)["predictions"] == before["predictions"], "bit-equal to the answers before"
    assert {worker["pid"] for worker in server.workers()} == workers, "no restart"


def test_every_move_stands_in_the_history_with_who_and_why(project: Walked, server: Server) -> None:
    entries = seaway(project.folder, "history")
    reasons = [entry["reason"] for entry in entries]
    assert "first release of the model" in reasons
    assert "tried beside the first for a week" in reasons
    assert reasons.index("tried beside the first for a week") < reasons.index("worse on new customers")
    assert all(entry["principal"] for entry in entries)
    roles = {one["version"]: one["role"] for one in seaway(project.folder, "models")}
    assert roles == {1: "champion", 2: ""}


def test_a_promotion_needs_a_release_that_exists_and_a_reason(project: Walked) -> None:
    error = refused(project.folder, "promote", "17", "--reason", "typing error")
    assert "17" in error["message"]


def test_update_rebuilds_compares_and_never_promotes_without_evidence(project: Walked, server: Server) -> None:
    """Sixty labels are fewer than the gate needs: the loop builds a challenger and holds, saying how many are missing."""
    champion = server.predict(project.rows(0, 1))["release"]
    truth = project.table()[project.target].to_list()
    labels = [
        {"request_id": server.predict([row])["request_id"], "row": 0, "value": truth[800 + number]}
        for number, row in enumerate(project.rows(800, 60))
    ]
    assert server.post("/v1/labels", {"labels": labels}).status_code == 200
    done = seaway(project.folder, "update", "--now", "--budget", "4s", "--wait", "4s", exits=(0, 1))
    assert done["state"] == "hold", done
    assert done["verdicts"]
    assert any(character.isdigit() for character in done["reason"]), "how many labels are still needed"
    newest = max(seaway(project.folder, "models"), key=lambda one: one["version"])
    assert newest["version"] == 3
    assert server.predict(project.rows(0, 1))["release"] == champion

    seaway(project.folder, "promote", "3", "--reason", "a person looked at the evidence")
    server.follows(newest["digest"], project.rows(0, 1)[0])
    seaway(project.folder, "rollback", "--reason", "back to what we know")
    server.follows(champion, project.rows(0, 1)[0])


def test_an_update_that_nothing_asks_for_does_nothing(project: Walked, server: Server) -> None:
    before = seaway(project.folder, "models")
    done = seaway(project.folder, "update", "--wait", "1s")
    assert done["state"] not in ("promoted", "rolled back"), done
    assert seaway(project.folder, "models") == before
