"""kill -9 of a real updating process at every step and at random moments: the same command reaches the same end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seaway.core.chance import rng
from seaway.core.project import Project
from seaway.registry.store import Registry
from seaway.update import journal
from tests.crash.update_settings import SETTINGS
from tests.unit.update import loans
from tests.unit.update.traffic import Traffic, released

CHILD = Path(__file__).with_name("update_child.py")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "project"
    Traffic(released(folder, lambda place: loans.project(place, 600), SETTINGS), SETTINGS).ask(320)
    return folder


@pytest.fixture
def project(served: Path, tmp_path: Path) -> Project:
    shutil.copytree(served, tmp_path / "project")
    return Project(tmp_path / "project")


def start(project: Project, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(project.folder), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def lines(project: Project) -> int:
    """Count what the update has noted and moved: each of these is a point to die at."""
    path = project.updates / "credit" / "0001" / journal.NAME
    noted = path.read_bytes().count(b"\n") if path.exists() else 0
    return noted + len(Registry(project.state).history("credit"))


def finished(child: subprocess.Popen[str]) -> str | None:
    """Return what the child said, if it ended by itself; a failure of its own fails the test."""
    if child.poll() is None:
        return None
    said, problem = child.communicate()
    assert child.returncode == 0, problem
    return said


def killed(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def the_end_is_the_one_end(project: Project, state: str) -> None:
    """One update, promoted once, every step noted, nothing left behind."""
    registry = Registry(project.state)
    first, *moves = registry.assignments("credit")
    assert state in ("promoted", "nothing")  # nothing: it was killed when all was done
    assert [(bool(one.shadows), bool(one.canary)) for one in moves] == [(True, False), (False, True), (False, False)]
    assert moves[-1].champion == registry.releases("credit")[-1].digest != first.champion
    assert len(registry.releases("credit")) == 2
    one = journal.newest(project.updates / "credit")
    assert one is not None
    assert one.name == "0001"
    assert [len(one.all(step)) for step in ("decide", "rebuilt", "publish", "gate", "promote", "end")] == [1] * 6
    kinds = [entry.kind for entry in registry.history("credit")]
    assert kinds.count("registered") == 2
    for step in ("decide", "shadow", "canary 1", "promoted"):
        assert kinds.count(f"update 0001 {step}") == 1, kinds


@pytest.mark.slow
def test_killed_after_every_note_and_every_move(project: Project) -> None:
    """The parent watches journal and registry, and kills as soon as either grows."""
    points, state = 0, None
    while state is None:
        before = lines(project)
        child = start(project, points)
        deadline = time.monotonic() + 90
        while (state := finished(child)) is None and lines(project) == before:
            assert time.monotonic() < deadline, "the update does not move"
            time.sleep(0.002)
        if state is None:
            killed(child)
            points += 1
            assert points < 60, "the update does not end"
    assert points >= 8
    the_end_is_the_one_end(project, state)


@pytest.mark.slow
def test_killed_at_random_moments(project: Project) -> None:
    generator, state = rng("kill"), None
    for attempt in range(60):
        child = start(project, attempt)
        # The pauses grow, so that the longest step (training, replay over HTTP) gets done in the end.
        until = time.monotonic() + float(generator.uniform(0.5, 3.0 + 0.7 * attempt))
        while (state := finished(child)) is None and time.monotonic() < until:
            time.sleep(0.01)
        if state is not None:
            break
        killed(child)
    assert state is not None
    the_end_is_the_one_end(project, state)
