"""Backup, restore and doctor as people and scripts use them: documents, exit codes, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.shell import refused, run, seaway
from tests.golden.frozen import thaw


@pytest.mark.slow
def test_a_project_is_backed_up_restored_and_looked_at(tmp_path: Path) -> None:
    project = thaw("v1", tmp_path / "loans")
    made = seaway(project, "backup", tmp_path / "backup")
    assert (made["with_keys"], made["missing"], made["damaged"]) == (False, [], [])
    assert {verdict["outcome"] for verdict in made["verdicts"]} == {"pass"}
    assert refused(project, "backup", tmp_path / "backup")["code"] == "exists"

    done = seaway(tmp_path, "restore", tmp_path / "backup", tmp_path / "again")
    assert done["restored"] is True
    before = [one["digest"] for one in seaway(project, "models")]
    assert [one["digest"] for one in seaway(tmp_path / "again", "models")] == before
    found = seaway(tmp_path / "again", "doctor")["verdicts"]
    assert not [verdict for verdict in found if verdict["outcome"] == "fail"]

    (tmp_path / "backup" / "seaway.toml").write_text("[project]\n", encoding="utf-8")
    said = run(tmp_path, "restore", tmp_path / "backup", tmp_path / "third", as_json=False)
    assert said.returncode == 1
    assert "seaway.toml is not what was signed" in said.stdout
    assert "Nothing was written." in said.stdout
    (tmp_path / "again" / ".seaway").chmod(0o755)
    said = run(tmp_path / "again", "doctor", as_json=False)
    assert said.returncode == 1
    assert "chmod 700" in said.stdout
