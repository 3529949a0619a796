"""The base installation serves, verifies and moves releases; whatever needs more says which extra brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.arch.test_import import run

LAB = ("polars", "pyarrow", "pandas", "sklearn", "scipy", "lightgbm", "optuna", "onnx", "joblib", "threadpoolctl")
BLOCK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LAB!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


@pytest.mark.parametrize("verb", ["serve", "models", "bundles", "workspace"])
def test_what_a_serving_environment_does_needs_no_lab(verb: str) -> None:
    assert run(f"{BLOCK}\nimport seaway.workflow.{verb}") == ""


def test_a_worker_needs_no_lab() -> None:
    assert (
        run(f"{BLOCK}\nimport seaway.serve.workers, seaway.serve.single, seaway.serve.labels, seaway.serve.explain")
        == ""
    )


def test_a_verb_that_needs_the_lab_says_which_extra_brings_it(tmp_path: Path) -> None:
    code = f"{BLOCK}\nsys.argv = ['seaway', 'new', 'p', '--data', 'x.csv']\nfrom seaway.cli.main import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert 'pip install "seaway[lab]"' in done.stderr
    assert list(tmp_path.iterdir()) == []
