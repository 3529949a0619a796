"""Where a candidate comes from."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from seaway.lab.lineage import git, identity, packages
from tests.unit.lab.fixtures import data, settings


def commit(folder: Path) -> str:
    """Make a repository with one commit and return its hash."""
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "first"],
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)
    return subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commit_and_what_differs_from_it(tmp_path: Path) -> None:
    assert git(tmp_path) == {}
    made = commit(tmp_path)
    assert git(tmp_path) == {"commit": made}
    (tmp_path / "model.py").write_text("x = 1\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "model.py"], check=True)
    first = git(tmp_path)
    assert first["commit"] == made
    (tmp_path / "model.py").write_text("x = 2\n")
    assert git(tmp_path)["diff"] != first["diff"]


def test_a_folder_that_is_not_there_has_no_code(tmp_path: Path) -> None:
    assert git(tmp_path / "nowhere") == {}


def test_versions_of_what_is_installed() -> None:
    assert {"numpy", "lightgbm", "scipy"} <= set(packages())


@pytest.mark.parametrize(
    "change",
    [{"trials": 5}, {"seed": 3}, {"search": "grid"}, {"preset": "fast"}, {"metric": "brier"}, {"calibrate": False}],
)
def test_other_work_has_another_identity(change: dict[str, object]) -> None:
    made = data(rows=100)
    assert identity(made, settings()) != identity(made, settings(**change))


def test_other_data_contracts_and_splits_have_another_identity() -> None:
    made, chosen = data(rows=100), settings()
    part = made.split.part.copy()
    part[:2] = 1 - part[:2]
    changed = [
        replace(made, fingerprint="0" * 64),
        replace(made, contract=msgspec.structs.replace(made.contract, extra="ignore")),
        replace(made, split=replace(made.split, part=part)),
    ]
    assert len({identity(made, chosen), *(identity(one, chosen) for one in changed)}) == 4


@pytest.mark.parametrize("change", [{"budget_s": 7.0}, {"threads": 2}])
def test_time_and_threads_are_not_work(change: dict[str, object]) -> None:
    made = data(rows=100)
    assert identity(made, settings()) == identity(made, settings(**change))
