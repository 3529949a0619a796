"""A whole look: the log on disk, a release with its profile, verdicts kept once, the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core import canonical
from seaway.core.bundle import CONTRACT, PROFILE, Bundle, Manifest
from seaway.core.candidate import Score
from seaway.core.project import Project
from seaway.core.settings import MonitorSettings
from seaway.data import profile, read
from seaway.monitor import judgements
from seaway.monitor.watch import Report, monitor, release_of
from tests.unit.monitor import world
from tests.unit.monitor.simulator import MODEL, Server, chance_of

SETTINGS = MonitorSettings(window=300, labels=100)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    rows, chance, truth = world.draw(1500, "train", "watch")
    data = read.table([{**row, "outcome": world.CLASSES[int(t)]} for row, t in zip(rows, truth, strict=True)])
    probabilities = np.stack([1 - chance, chance], axis=1)
    reference = profile.profile(
        data, world.CONTRACT, {"probabilities": probabilities, "label": (chance > 0.5).astype(np.int64)}
    )
    manifest = Manifest(
        format=1,
        model=MODEL,
        version=1,
        sequence=1,
        parent="",
        created="2026-01-01T00:00:00Z",
        expires="2028-01-01T00:00:00Z",
        engine="onnx",
        needs=(),
        encoder=1,
        contract=world.CONTRACT.digest,
        scores={
            "test.roc_auc": Score(value=0.8, low=0.77, high=0.83, n=375),
            "oof.roc_auc": Score(value=0.8, low=0.78, high=0.82, n=1200),
        },
        tolerance=1e-6,
        lineage={},
        files={},
    )
    files = {PROFILE: reference.encode(), CONTRACT: canonical.encode(world.CONTRACT)}
    return Bundle(digest="d" * 64, manifest=manifest, contract=world.CONTRACT, files=files)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).make()


def serve(
    server: Server, count: int, *seed: int | str, release: str = "d" * 64, change: Any = None, label: int = 0
) -> None:
    rows, chance, truth = world.draw(count, *seed)
    for i in range(count):
        row = change(rows[i]) if change else rows[i]
        made = server.predict([row], [chance_of(float(chance[i]))], release=release)
        if i < label:
            server.label(world.CLASSES[int(truth[i])], request_id=made)


def alarms(report: Report) -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in report.verdicts if one.outcome in ("warn", "fail")]


def test_what_a_release_promised(bundle: Bundle) -> None:
    release = release_of(bundle)
    assert release.metric is not None
    assert (release.metric.name, release.score) == ("roc_auc", bundle.manifest.scores["test.roc_auc"])
    assert {"amount", "age", "months", "purpose", "phone"} <= set(release.reference.columns)
    assert {"probabilities.bad", "label"} <= set(release.reference.answers)
    assert sum(release.reference.columns["purpose"].counts.values()) == 1500  # type: ignore[union-attr]


def test_a_metric_that_a_person_chose_decides(bundle: Bundle) -> None:
    lineage = {"settings": {"train": {"metric": "brier"}}}
    scores = {**bundle.manifest.scores, "test.brier": Score(value=0.3, low=0.2, high=0.4, n=375)}
    manifest = msgspec.structs.replace(bundle.manifest, lineage=lineage, scores=scores)
    chosen = release_of(Bundle(digest="d", manifest=manifest, contract=bundle.contract, files=bundle.files))
    assert chosen.metric is not None
    assert chosen.metric.name == "brier"


def test_nothing_served_yet(project: Project, bundle: Bundle) -> None:
    report = monitor(project, MODEL, bundle, SETTINGS)
    assert {one.outcome for one in report.verdicts} == {"not-applicable", "pass"}
    assert report.page.read_text().startswith("<!DOCTYPE html>")
    assert (report.windows, report.filling) == ((), 0)


def test_a_quiet_world_then_a_shift_and_both_are_kept(project: Project, bundle: Bundle) -> None:
    server = Server(project.log)
    serve(server, 700, "quiet", label=260)
    first = monitor(project, MODEL, bundle, SETTINGS)
    assert alarms(first) == []
    assert (first.outcome, first.filling) == ("pass", 100)
    assert [(one.kind, one.number) for one in first.windows] == [
        ("window", 0),
        ("window", 1),
        ("labels", 1),
        ("labels", 2),
    ]
    assert next(one for one in first.verdicts if one.code == "M010").outcome == "pass"
    serve(server, 500, "shift", change=lambda row: {**row, "age": row["age"] + 20})
    second = monitor(project, MODEL, bundle, SETTINGS)
    assert ("M001", "age") in alarms(second)
    assert second.outcome == "fail"
    text = second.page.read_text()
    assert "Then and now" in text
    assert "age has moved" in text


def test_looking_again_changes_nothing(project: Project, bundle: Bundle) -> None:
    server = Server(project.log)
    serve(server, 650, "again", change=lambda row: {**row, "age": row["age"] + 20})
    first = monitor(project, MODEL, bundle, SETTINGS)
    kept = (project.windows / MODEL / judgements.NAME).read_bytes()
    second = monitor(project, MODEL, bundle, SETTINGS)
    assert alarms(first) == alarms(second)
    assert (project.windows / MODEL / judgements.NAME).read_bytes() == kept


def test_an_alarm_in_a_window_between_two_looks_is_told_once(project: Project, bundle: Bundle) -> None:
    server = Server(project.log)
    serve(server, 300, "one", change=lambda row: {**row, "age": row["age"] + 20})
    serve(server, 600, "two")
    assert alarms(monitor(project, MODEL, bundle, SETTINGS)) == [("M001", "age")]
    assert alarms(monitor(project, MODEL, bundle, SETTINGS)) == []


def test_refusals_are_told_while_a_window_fills(project: Project, bundle: Bundle) -> None:
    server = Server(project.log)
    serve(server, 320, "refused")
    for _ in range(60):
        server.refuse(column="amount", release="")
    assert ("M006", "requests") in alarms(monitor(project, MODEL, bundle, SETTINGS))


def test_a_line_that_a_crash_cut_short_is_judged_again(project: Project, bundle: Bundle) -> None:
    server = Server(project.log)
    serve(server, 620, "crash")
    monitor(project, MODEL, bundle, SETTINGS)
    path = project.windows / MODEL / judgements.NAME
    whole = judgements.read(path.parent)
    path.write_bytes(path.read_bytes()[:-200])
    monitor(project, MODEL, bundle, SETTINGS)
    again = judgements.read(path.parent)
    assert [one.key for one in again] == [one.key for one in whole]
    assert [[v.message for v in one.verdicts] for one in again] == [[v.message for v in one.verdicts] for one in whole]


def test_a_damaged_segment_is_a_verdict_and_no_crash(project: Project, bundle: Bundle) -> None:
    server = Server(project.log)
    serve(server, 50, "damage")
    path = server.seal()
    data = bytearray(path.read_bytes())
    data[2000] ^= 4
    path.write_bytes(data)
    assert ("M013", "00000-0000000000") in alarms(monitor(project, MODEL, bundle, SETTINGS))
