"""The task that docs/extending.md shows is a task: installed as a package of its own, found by its name, held to the suites."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.arch.source import ROOT, SOURCE
from tests.e2e.shell import ENVIRONMENT

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page's files, and what an installer makes of their pyproject.toml."""
    folder = Path(tmp_path_factory.mktemp("typical"))
    for name, text in BLOCK.findall(PAGE):
        (folder / name).write_text(text, encoding="utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = folder / "seaway_typical-0.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {place}" for name, place in points.items())])
        for group, points in project["entry-points"].items()
    ]
    (installed / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    (folder / "pyproject.toml").unlink()  # pytest would take the folder's for its own settings
    return folder


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the package installed."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_task_of_the_page_passes_the_suites(package: Path) -> None:
    done = ran(package, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_typical.py")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_it_makes_a_project_by_its_name(package: Path) -> None:
    lines = [f"{20 + k % 90},{k % 9},{400 + 9 * (k % 90) + k % 7}" for k in range(120)]
    (package / "homes.csv").write_text("size,floor,rent\n" + "\n".join(lines) + "\n")
    words = ["new", "homes", "--data", "homes.csv", "--target", "rent", "--task", "typical"]
    done = ran(package, "-m", "seaway.cli", *words)
    assert done.returncode == 0, done.stderr
    assert 'task = "typical"' in (package / "homes" / "seaway.toml").read_text()


def test_the_files_the_page_names_are_there() -> None:
    rooms = "core|data|engines|lab|monitor|tasks|report"
    named = set(re.findall(rf"`((?:{rooms})/[\w/]+(?:\.py|/))`", PAGE))
    assert len(named) > 10
    missing = sorted(name for name in named if not (SOURCE / name).exists())
    assert not missing, ", ".join(missing)
    for task in ("forecast", "segment"):
        for file in ("task.py", "shape.py", "models.py", "finish.py", "figures.py", "checks", "words.py"):
            assert (SOURCE / "tasks" / task / file).exists(), f"tasks/{task}/{file}"
