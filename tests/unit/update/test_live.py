"""Live evidence: what stops a challenger, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seaway.core.assignment import Assignment
from seaway.core.chance import rng
from seaway.core.settings import UpdateSettings
from seaway.monitor.window import Windows
from seaway.update import live
from seaway.update.live import Traffic
from tests.unit.monitor import world
from tests.unit.monitor.simulator import MODEL, Server, chance_of

SETTINGS = UpdateSettings()


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    with Windows(tmp_path / "log", MODEL, state=tmp_path / "windows") as opened:
        yield opened


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "log")


def ask(server: Server, count: int, release: str, arm: str, took_us: int = 500) -> None:
    for _ in range(count):
        server.predict([{"n": 1}], [chance_of(0.2)], release=release, arm=arm, took_us=took_us)  # type: ignore[arg-type]


def counted(answered: int, failed: int, windows: Windows, server: Server, code: str = "engine-failed") -> Traffic:
    ask(server, answered, "new", "canary")
    for _ in range(failed):
        server.refuse(status=500, code=code, release="new", arm="canary")
    windows.refresh()
    return live.traffic(windows, "new", "canary", 0)


def test_arms_and_releases_are_kept_apart(windows: Windows, server: Server) -> None:
    ask(server, 5, "old", "champion")
    ask(server, 3, "new", "canary")
    server.refuse(status=500, release="new", arm="canary")
    server.refuse(status=422, release="old")
    windows.refresh()
    canary, champion = (live.traffic(windows, *one, 0) for one in (("new", "canary"), ("old", "champion")))
    assert (canary.answered, canary.requests, champion.requests) == (3, 4, 5)
    later = live.traffic(windows, "old", "champion", canary.replies[0].sequence)
    assert later.requests == 0


def test_one_answer_that_is_no_number_is_enough(windows: Windows, server: Server) -> None:
    verdict = live.failures(counted(199, 1, windows, server, live.BROKEN), SETTINGS)
    assert (verdict.outcome, verdict.evidence["not_finite"]) == ("fail", 1)


def test_a_few_other_failures_are_not(windows: Windows, server: Server) -> None:
    assert live.failures(counted(199, 1, windows, server), SETTINGS).outcome == "pass"


def test_many_are(windows: Windows, server: Server) -> None:
    assert live.failures(counted(180, 20, windows, server), SETTINGS).outcome == "fail"
    assert live.failures(Traffic(answered=0, replies=(), failures=()), SETTINGS).outcome == "not-applicable"


def test_the_share_of_a_canary_is_as_set_and_a_key_keeps_its_arm() -> None:
    now = Assignment(model="m", sequence=1, champion="old", canary=("new", 0.05), salt="s")
    arms = [now.arm(f"key {i}") for i in range(100_000)]
    share = arms.count("new") / len(arms)
    assert share == pytest.approx(0.05, abs=0.003)
    assert arms[:1000] == [now.arm(f"key {i}") for i in range(1000)]
    canary, champion = arms.count("new"), arms.count("old")
    split = live.ratio(
        Traffic(answered=champion, replies=(), failures=()), Traffic(answered=canary, replies=(), failures=()), 0.05
    )
    assert split.outcome == "pass"


def test_a_skewed_split_voids_the_comparison_and_a_fair_one_hardly_ever() -> None:
    def split(canary: int, champion: int) -> str:
        return live.ratio(
            Traffic(answered=champion, replies=(), failures=()), Traffic(answered=canary, replies=(), failures=()), 0.25
        ).outcome

    assert split(150, 850) == "fail"
    assert split(250, 750) == "pass"
    assert split(0, 0) == "not-applicable"
    assert split(0, 100) == "fail"
    drawn = rng("split").binomial(400, 0.25, 2000)
    assert np.mean([split(int(hits), 400 - int(hits)) == "fail" for hits in drawn]) <= 0.004


def test_a_slower_canary_is_found(windows: Windows, server: Server) -> None:
    ask(server, 200, "old", "champion")
    ask(server, 100, "new", "canary", took_us=1500)
    windows.refresh()
    champion, canary = (live.traffic(windows, *one, 0) for one in (("old", "champion"), ("new", "canary")))
    assert live.slower(champion, canary, SETTINGS).outcome == "fail"
    assert live.slower(champion, champion, SETTINGS).outcome == "pass"


def test_how_often_the_shadow_would_have_decided_otherwise(windows: Windows, server: Server) -> None:
    for p in (0.2, 0.4, 0.9):
        made = server.predict([{}], [chance_of(p)], release="old")
        server.predict([{}], [chance_of(1 - p)], release="new", arm="shadow", request_id=made)
    windows.refresh()
    verdict = live.changed(
        live.traffic(windows, "old", "champion", 0), live.traffic(windows, "new", "shadow", 0), world.CONTRACT
    )
    assert (verdict.outcome, verdict.value) == ("pass", 1.0)
    assert "Of 3 cases" in verdict.message
