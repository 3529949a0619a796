"""Assignments moved for the update loop, and seen to arrive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core.assignment import Assignment
from seaway.core.errors import BadInput, Conflict
from seaway.core.protocols import Rollout
from seaway.registry.promote import promote
from seaway.registry.rollout import RegistryRollout
from seaway.registry.store import Registry
from tests.bundles import PASSED, add_release


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".seaway"


def dead_pid() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def write_worker(state: Path, name: str, **changes: Any) -> None:
    (state / "serving").mkdir(parents=True, exist_ok=True)
    worker = {
        "pid": os.getpid(),
        "port": 8000,
        "worker": 0,
        "models": {"credit": {"release": "a" * 64, "sequence": 3}},
        "ready": True,
        "stamp": "2026-11-23T17:24:06.000000Z",
    }
    (state / "serving" / f"{name}.json").write_bytes(msgspec.json.encode(worker | changes))


def test_a_move_replaces_the_assignment_that_was_seen(state: Path) -> None:
    one, two = add_release(state, "a"), add_release(state, "b")
    registry = Registry(state)
    rollout: Rollout = RegistryRollout(registry, state / "serving")
    seen = promote(registry, "credit", one, "first", "ann")
    wanted = msgspec.structs.replace(seen, canary=(two, 0.05), salt="s", reason="canary at 5 %")
    done = RegistryRollout(registry, state / "serving").apply(wanted, evidence=PASSED)
    assert done == msgspec.structs.replace(wanted, sequence=2)
    assert registry.assignment("credit") == done
    entry = registry.history("credit")[-1]
    assert (entry.principal, entry.reason, entry.evidence) == ("update", "canary at 5 %", PASSED)
    with pytest.raises(Conflict, match="is not number 1 any more"):
        rollout.apply(wanted)


def test_the_first_assignment_replaces_none(state: Path) -> None:
    digest = add_release(state, "a")
    rollout = RegistryRollout(Registry(state), state / "serving", principal="deploy")
    assert rollout.apply(Assignment(model="credit", sequence=0, champion=digest)).sequence == 1


def test_living_ready_workers_answer_and_no_others(state: Path) -> None:
    write_worker(state, "00000")
    write_worker(state, "00001", models={"credit": {"release": "b" * 64, "sequence": 4}})
    write_worker(state, "00002", ready=False)
    write_worker(state, "00003", pid=dead_pid())
    write_worker(state, "00004", models={})
    (state / "serving" / "00005.json").write_bytes(b'{"pid": 1')
    rollout = RegistryRollout(Registry(state), state / "serving")
    assert rollout.answering() == {"00000": ("a" * 64, 3), "00001": ("b" * 64, 4)}
    assert rollout.answering("credit") == rollout.answering()
    assert rollout.answering("churn") == {}


def test_of_several_models_one_must_be_named(state: Path) -> None:
    both = {"credit": {"release": "a" * 64, "sequence": 3}, "churn": {"release": "c" * 64, "sequence": 1}}
    write_worker(state, "00000", models=both)
    rollout = RegistryRollout(Registry(state), state / "serving")
    with pytest.raises(BadInput, match="serve 2 models"):
        rollout.answering()
    assert rollout.answering("churn") == {"00000": ("c" * 64, 1)}


def test_where_nothing_serves_nobody_answers(state: Path) -> None:
    assert RegistryRollout(Registry(state), state / "serving").answering() == {}
