"""What the README and the examples show is what happens: their code runs, in real processes, in an empty folder."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.shell import ENVIRONMENT, Server, run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
LIMIT_S = 120
QUICK = {"60s": "4s"}
"""Budgets are shortened; everything else runs as it stands."""


# ------------------------------------------------------------------------------------------------------- the notebook


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(EXAMPLES / "quickstart.ipynb", folder)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", f"--timeout={LIMIT_S}", "quickstart.ipynb"],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    assert time.monotonic() - began < LIMIT_S
    cells: list[dict[str, Any]] = json.loads((folder / "quickstart.ipynb").read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _shown(cells: list[dict[str, Any]], source: str) -> dict[str, str]:
    """Return what the cell ending with `source` shows, by media type."""
    (cell,) = (cell for cell in cells if "".join(cell["source"]).splitlines()[-1] == source)
    (output,) = (output for output in cell["outputs"] if output["output_type"] == "execute_result")
    return {kind: "".join(text) for kind, text in output["data"].items()}


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("data", "mean radius"),
        ("run", "test.roc_auc"),
        ("release", "digest"),
        ("release.predict(rows)", "malignant"),
    ],
)
def test_objects_show_themselves_in_a_notebook(executed: list[dict[str, Any]], source: str, named: str) -> None:
    shown = _shown(executed, source)
    for kind in ("text/html", "text/plain"):
        assert named in shown[kind], shown[kind]
    assert "<table" in shown["text/html"]
    assert "object at 0x" not in shown["text/plain"]


def test_a_cell_writes_no_noise(executed: list[dict[str, Any]]) -> None:
    for cell in executed:
        for output in cell["outputs"]:
            assert output["output_type"] == "execute_result", output


def test_the_model_of_the_notebook_is_a_good_one(executed: list[dict[str, Any]]) -> None:
    assert float(_shown(executed, 'run.scores["test.roc_auc"]')["text/plain"]) > 0.95


def test_the_notebook_is_kept_without_outputs() -> None:
    book = json.loads((EXAMPLES / "quickstart.ipynb").read_text())
    for cell in book["cells"]:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
    assert book["metadata"]["kernelspec"]["name"] == "python3"


# --------------------------------------------------------------------------------------------------------- the script


def test_the_script_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert "test.roc_auc" in done.stdout
    assert "pass" in done.stdout
    assert (tmp_path / "tumours-seaway" / "seaway.toml").exists()


# --------------------------------------------------------------------------------------------------------- the README


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """Write the table the README speaks of: 400 customers, some of whom left."""
    rng = np.random.default_rng(3)
    lines = ["age,plan,months,churned"]
    for _ in range(400):
        age, plan, months = rng.integers(18, 80), rng.choice(["basic", "plus", "family"]), rng.integers(1, 60)
        leaves = rng.random() < 1 / (1 + np.exp(0.05 * months - 1 + 0.8 * (plan == "family")))
        lines.append(f"{age},{plan},{months},{'yes' if leaves else 'no'}")
    (tmp_path / "customers.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def _blocks(heading: str) -> list[str]:
    """Return the code blocks under a heading of the README, budgets shortened."""
    text = (ROOT / "README.md").read_text()
    section = re.split(r"^## ", text, flags=re.MULTILINE)
    (found,) = (part for part in section if part.startswith(heading))
    blocks = re.findall(r"^```\w*\n(.*?)^```", found, flags=re.MULTILINE | re.DOTALL)
    assert blocks, heading
    for long, short in QUICK.items():
        blocks = [block.replace(long, short) for block in blocks]
    return blocks


def test_the_commands_of_the_readme_run(customers: Path) -> None:
    folder, ran = customers, []
    for line in "\n".join(_blocks("Your own data")).splitlines():
        for command in line.partition("#")[0].split("&&"):
            words = shlex.split(command)
            if not words or words[:2] == ["pip", "install"]:
                continue
            if words[0] == "cd":
                folder = folder / words[1]
                continue
            assert words[0] == "seaway", f"the README shows {command!r}, which no test runs"
            ran.append(words[1])
            if words[1] == "serve":
                with Server(folder) as server:
                    answer = server.predict([{"age": 41, "plan": "basic", "months": 7}])
                    assert set(answer["predictions"][0]["probabilities"]) == {"yes", "no"}
                continue
            done = run(folder, *words[1:], as_json=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert ran == ["new", "check", "train", "release", "serve"]


def test_the_python_of_the_readme_runs(customers: Path) -> None:
    (block,) = _blocks("In a notebook")
    done = subprocess.run(
        [sys.executable, "-c", block + "\nprint(release.predict([{'age': 41, 'plan': 'basic', 'months': 7}]))"],
        cwd=customers,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert "yes" in done.stdout
