"""A04 for keys: making and rotating a key, struck at system calls by a kill, EIO or ENOSPC: never a name without a key that opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from seaway.core import chance
from seaway.core.project import Project
from seaway.core.settings import ProjectSettings, Settings
from seaway.core.verdict import failed
from seaway.registry.store import Registry
from seaway.security import keys
from seaway.workflow import keys as verbs
from seaway.workflow.workspace import Workspace
from tests.crash.operations import Operation
from tests.crash.rig import Ledger, copies
from tests.crash.test_every_call import points, strike

SHORT = 6


def workspace(folder: Path) -> Workspace:
    return Workspace(Project(folder), Settings(project=ProjectSettings(name="credit", task="tabular", data="x.csv")))


class Keys(Operation):
    """A key is made; where its name is taken already (its text was lost in the crash), it is rotated, as the error says to."""

    def __init__(self, *, is_first: bool) -> None:
        self._is_first = is_first

    def prepare(self, folder: Path) -> None:
        folder.mkdir()
        Registry(folder / ".seaway")
        if not self._is_first:
            verbs.make(workspace(folder), "web", roles=["viewer"])

    def run(self, folder: Path, ledger: Ledger) -> None:
        held = [one for one in verbs.listed(workspace(folder)) if one.state == "valid"]
        if held:
            ledger.note(verbs.rotate(workspace(folder), held[0].id).text)
        else:
            ledger.note(verbs.make(workspace(folder), "web", roles=["viewer"]).text)

    def check(self, folder: Path, told: list[str]) -> None:
        registry = Registry(folder / ".seaway")
        held, now = registry.keys(), chance.now()
        valid = [key for key in held.values() if not keys.ended(key, now)]
        assert len(valid) <= 1 if self._is_first else len(valid) == 1
        if told and len(held) == 1 + (not self._is_first):
            found = keys.find(told[-1], held, keys.load_secret(folder / ".seaway" / "keys"))
            assert found is not None, "an acknowledged key is there"
            assert not keys.ended(found, now)
        assert failed(registry.verify_audit()[0]) == []

    def arrived(self, folder: Path) -> None:
        held = Registry(folder / ".seaway").keys().values()
        assert len([key for key in held if not keys.ended(key, chance.now())]) == 1
        assert not list((folder / ".seaway" / "keys").glob("*.tmp"))


def strikes(tmp_path: Path, *, is_first: bool, most: int | None) -> tuple[int, int]:
    operation = Keys(is_first=is_first)
    operation.prepare(tmp_path / "made")
    fresh = copies(tmp_path / "made", tmp_path)
    operation.run(next(fresh), Ledger())
    every = points(operation, next(fresh))
    chosen = every if most is None else every[:: max(1, len(every) // most)]
    return len(every), sum(strike(operation, copy, point) for point, copy in zip(chosen, fresh, strict=False))


@pytest.mark.parametrize("is_first", [True, False], ids=["make", "rotate"])
def test_a_key_survives_a_strike(tmp_path: Path, is_first: bool) -> None:
    _, hits = strikes(tmp_path, is_first=is_first, most=SHORT)
    assert hits


@pytest.mark.soak
@pytest.mark.parametrize("is_first", [True, False], ids=["make", "rotate"])
def test_a_key_survives_every_strike(tmp_path: Path, is_first: bool) -> None:
    every, hits = strikes(tmp_path, is_first=is_first, most=None)
    print(f"A04 keys {'make' if is_first else 'rotate'}: struck at {every} points, {hits} hit, 0 lost")
    assert hits
