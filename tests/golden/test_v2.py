"""The registry frozen at schema 2 opens for ever: its chain holds, its checkpoint verifies, its keys are told, it moves on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seaway.core import chance
from seaway.core.verdict import worst
from seaway.registry.promote import rollback
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from seaway.security.keys import ended
from tests.golden.frozen import FOLDER, thaw


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = thaw("v1", tmp_path / "loans") / ".seaway"
    shutil.copytree(FOLDER / "v2", state, dirs_exist_ok=True)
    return state


def test_the_chain_and_its_checkpoint_hold(state: Path) -> None:
    registry = Registry(state)
    verdicts, heads = registry.verify_audit()
    assert worst(verdicts) == "pass", verdicts
    assert len(heads) == len(registry.audit())
    assert registry.history(None)[-1].reason == "frozen"


def test_a_server_reads_assignments_and_keys(state: Path) -> None:
    source = RegistrySource(state)
    assert source.assignments()["sales"].sequence == 4
    keys = source.keys()
    assert keys is not None
    assert {key.name: bool(key.revoked) for key in keys.values()} == {
        "frozen-one": False,
        "frozen-two": True,
        "frozen-three": False,
    }
    assert {ended(key, chance.now()) for key in keys.values() if key.revoked} == {"revoked"}


def test_it_moves_on(state: Path) -> None:
    registry = Registry(state)
    now = rollback(registry, "sales", "back", "test")
    assert now.sequence == 5
    assert now.champion == registry.release("sales", 1).digest
    assert worst(registry.verify_audit()[0]) == "pass"
