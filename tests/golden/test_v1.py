"""The project frozen at format 1 opens for ever: read, verified, served, joined, monitored, promoted, backed up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from seaway.core import segment
from seaway.core.answer import Answerer
from seaway.core.bundle import open_bundle
from seaway.core.event import Label, Prediction
from seaway.core.verdict import worst
from seaway.lab.journal import recipe
from seaway.monitor.window import Windows
from seaway.registry.promote import promote, rollback
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from seaway.release.verify import verify
from seaway.security.sign import TrustFolder
from seaway.serve.log import EventLog
from seaway.serve.segments import of_folder
from seaway.workflow import train
from seaway.workflow.backup.restore import restore
from seaway.workflow.backup.take import backup
from seaway.workflow.doctor.examine import doctor
from seaway.workflow.monitor import monitor
from seaway.workflow.workspace import open_project
from tests.golden.frozen import answers, thaw
from tests.serving import running

RELEASES = {"credit": 1, "loans": 1, "sales": 2, "shoppers": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return thaw("v1", tmp_path / "loans")


def same(found: Any, wanted: Any) -> None:
    """Assert that two answers are equal; a last digit may depend on the runtime's order of sums."""
    if isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    elif isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for name in wanted:
            same(found[name], wanted[name])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    else:
        assert found == wanted


def test_a_server_reads_the_registry_before_anybody_brings_it_up_to_date(folder: Path) -> None:
    before = (folder / ".seaway" / "registry.db").read_bytes()
    source = RegistrySource(folder / ".seaway")
    found = source.assignments()
    assert set(found) == set(RELEASES)
    assert found["sales"].sequence == 3
    assert all(source.bundle(one.champion).is_dir() for one in found.values())
    assert source.keys() is None
    assert (folder / ".seaway" / "registry.db").read_bytes() == before


def test_every_bundle_verifies_and_answers_as_it_did(folder: Path) -> None:
    registry, trusted = Registry(folder / ".seaway"), TrustFolder(folder / ".seaway" / "keys")
    for model, count in RELEASES.items():
        releases = registry.releases(model)
        assert [release.version for release in releases] == list(range(1, count + 1))
        for release in releases:
            assert worst(verify(registry.store.get(release.digest), trusted)) == "pass"
            assert open_bundle(registry.store.get(release.digest), trusted).manifest.format == 1
    asked = answers("v1")["asked"]
    for one in asked:
        answerer = Answerer(registry.store.get(one["reply"]["release"]), trusted)
        request = answerer.encoder.request(one["body"]["rows"])
        (answered,) = answerer.answer([request])
        same(answerer.encoder.render(answered.answers, answered.batch), one["reply"]["predictions"])
    assert {one["model"] for one in asked} == set(RELEASES)


def test_the_registry_keeps_its_history_and_moves_on(folder: Path) -> None:
    registry = Registry(folder / ".seaway")
    assert [entry.kind for entry in registry.history("sales")][-2:] == ["promoted", "rolled back"]
    assert registry.history("sales")[-1].reason == "it did not"
    assert promote(registry, "sales", 2, "again", "test").sequence == 4
    assert rollback(registry, "sales", "and back", "test").champion == registry.release("sales", 1).digest


def test_the_log_is_read_to_its_torn_end_and_goes_on(folder: Path) -> None:
    log = folder / ".seaway" / "log" / "loans"
    events = [one for _, _, path in of_folder(log) for _, one in segment.events(path)]
    assert sum(isinstance(one, Prediction) for one in events) == 15  # 13 answers, a refusal, a repeated record
    assert sum(isinstance(one, Label) for one in events) == answers("v1")["labels"]
    writer = EventLog(log, 0)
    writer.close()
    assert [path.suffix for _, _, path in of_folder(log)] == [".seg", ".seg"]
    assert [one for _, _, path in of_folder(log) for _, one in segment.events(path)] == events


@pytest.mark.parametrize("index", ["as it was", "made again"])
def test_labels_join_the_answers_they_are_about(folder: Path, index: str) -> None:
    state = folder / ".seaway"
    if index == "made again":
        shutil.rmtree(state / "windows")
    with Windows(state / "log", "loans", state=state / "windows") as windows:
        windows.refresh()
        assert windows.damage() == {}
        assert windows.labelled_count() == 22
        cases = windows.labelled()
        told = {(case.request_id, case.place): case.value for case in cases}
    many = answers("v1")["asked"][12]["reply"]["request_id"]
    assert told[many, 3] == "bad", "the newest label of a case wins"
    assert told[many, 4] == "good"


def test_the_run_can_be_read_and_monitoring_goes_on(folder: Path) -> None:
    workspace = open_project(folder)
    (run,) = train.runs(workspace)
    assert run.state == "finished"
    assert len(recipe(workspace.project.runs / run.run).records) == 4
    assert train.opened(workspace).candidate.digest == run.digest
    assert monitor(workspace).verdicts


def test_it_is_backed_up_restored_and_found_healthy(folder: Path, tmp_path: Path) -> None:
    backup(open_project(folder), tmp_path / "backup")
    done = restore(tmp_path / "backup", tmp_path / "restored")
    assert done.is_done
    found = {verdict.code: verdict for verdict in doctor(tmp_path / "restored")}
    for code in ("H011", "H015", "H016", "H017", "H018", "H019", "H020", "H021"):
        assert found[code].outcome == "pass", found[code]


@pytest.mark.slow
def test_a_server_gives_the_recorded_answers_and_takes_the_labels(folder: Path, free_port: int) -> None:
    frozen = answers("v1")
    with running(folder / ".seaway", free_port) as server:
        for one in frozen["asked"]:
            status, _, told = server.ask("POST", f"/v1/models/{one['model']}/predict", one["body"])
            assert status == 200, told
            assert told["release"] == one["reply"]["release"]
            same(told["predictions"], one["reply"]["predictions"])
            if "request_id" in one["body"]:
                assert told["request_id"] == one["reply"]["request_id"], "a repeat gets the first answer's id"
        label = {"request_id": frozen["asked"][12]["reply"]["request_id"], "row": 5, "value": "bad"}
        status, _, told = server.ask("POST", "/v1/models/loans/labels", {"labels": [label]})
        assert status == 200, told
        assert server.stop() == 0
