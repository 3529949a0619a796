"""`import seaway` is quick and changes nothing: whoever only wants one name pays for one name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.arch.source import modules

HEAVY = {
    "cryptography", "lightgbm", "nicegui", "numpy", "onnx", "onnxruntime", "optuna", "pandas", "polars",
    "prometheus_client", "pyarrow", "ray", "rich", "scipy", "sklearn", "sqlalchemy", "tomlkit", "torch", "typer", "uvicorn",
}  # fmt: skip


def run(code: str, cwd: Path | None = None) -> str:
    """Run code in a fresh interpreter with warnings as errors and compiled bytecode allowed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_takes_less_than_a_tenth_of_a_second() -> None:
    code = "import time; start = time.perf_counter(); import seaway; print(time.perf_counter() - start)"
    assert min(float(run(code)) for _ in range(3)) < 0.1


def test_import_loads_no_heavy_library() -> None:
    loaded = json.loads(run("import sys, json, seaway; print(json.dumps(sorted(sys.modules)))"))
    assert not HEAVY & set(loaded)
    assert not [name for name in loaded if name.startswith("seaway.") and name != "seaway.core"]


def test_importing_every_module_does_no_work(tmp_path: Path) -> None:
    """No folder is made, no logging is set up, no thread starts, nothing is said, whatever is imported."""
    names = [module.name for module in modules() if not module.name.endswith("__main__")]
    code = f"""
import importlib, logging, os, signal, sys, threading
import polars  # it puts its allocator's settings into the environment, which is its own affair
before = (list(sys.meta_path), dict(os.environ), threading.active_count(), signal.getsignal(signal.SIGINT), os.getcwd())
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name.partition(".")[0] in ("nicegui", "ray", "torch"), (name, error)
after = (list(sys.meta_path), dict(os.environ), threading.active_count(), signal.getsignal(signal.SIGINT), os.getcwd())
for was, now in zip(before[1:], after[1:]):
    assert was == now, (was, now)
assert not logging.getLogger("seaway").handlers
assert not [child for child in logging.root.manager.loggerDict if child.startswith("seaway") and logging.getLogger(child).handlers]
"""
    assert run(code, cwd=tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_help_of_the_command_line_loads_no_trainer() -> None:
    code = f"""
import sys
sys.argv = ["seaway", "--help"]
from seaway.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {sorted(HEAVY - {"rich", "typer", "numpy"})!r}
assert not set(heavy) & set(sys.modules), set(heavy) & set(sys.modules)
"""
    assert "train" in run(code)
