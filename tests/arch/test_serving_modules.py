"""A serving process holds no trainer: import-linter cannot see what is loaded by name, so one is looked into after it served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import credit, sales, serving

ROOMS = ("core", "serve", "engines", "security", "privacy")
"""Besides these rooms only data's encoder and the registry's reader, both found by name."""

BESIDES = ("seaway.data.encode", "seaway.data.validate", "seaway.registry.source", "seaway.registry.bundles")

TRAINERS = {
    "lightgbm", "matplotlib", "onnx", "optuna", "pandas", "polars", "pyarrow", "rich", "scipy", "sklearn", "sqlalchemy", "tomlkit",
    "torch", "typer",
}  # fmt: skip

SERVED = """
import asyncio, json, sys
from pathlib import Path
from seaway.core.settings import ServeSettings
from seaway.serve.process import Told
from seaway.serve.workers import Worker

state = Path(sys.argv[1])
(state / "serving").mkdir(exist_ok=True)
told = Told(state=str(state), worker=0, handle=-1, port=1, keys=str(state / "keys"), settings=ServeSettings())

async def main():
    worker = Worker(told)
    await worker._desk._follower.step()
    asked, label = json.loads(sys.argv[2])
    answered = await worker._desk._handlers.predict(json.dumps(asked).encode())
    assert answered.status == 200, answered
    label["request_id"] = json.loads(answered.body)["request_id"]
    labelled = await worker._desk._handlers.label(json.dumps({"labels": [label]}).encode())
    assert labelled.status == 200, labelled
    worker._desk._handlers.close()
    worker._desk._follower.close()

asyncio.run(main())
print(json.dumps(sorted(sys.modules)))
"""


@dataclass(frozen=True)
class Served:
    """What is served, asked and told, and the engine that answers."""

    source: ModuleType
    asked: Mapping[str, Any]
    label: Mapping[str, Any]
    engine: str


def _rows() -> Served:
    return Served(credit, {"rows": [serving.ROW], "explain": True}, {"value": "bad"}, "seaway.engines.ladder")


def _series() -> Served:
    rows = sales.asked("north").rows
    label = {"row": 0, "at": rows[-sales.HORIZON]["day"], "value": 120.0}
    return Served(sales, {"rows": rows, "options": {"horizon": 3}}, label, "seaway.engines.series.engine")


@pytest.fixture(scope="module", params=[_rows, _series], ids=["rows", "series"])
def served(request: pytest.FixtureRequest) -> Served:
    """A model of rows, and one of series."""
    made: Served = request.param()
    return made


@pytest.fixture(scope="module")
def loaded(served: Served, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Serve one prediction and one label in a fresh process and return what it holds then."""
    state = tmp_path_factory.mktemp("served") / "state"
    state.mkdir()
    serving.make_state(state, source=served.source)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SERVED, str(state), json.dumps([served.asked, served.label])],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=Path(state),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [str(name) for name in json.loads(done.stdout)]


def test_a_serving_process_holds_no_trainer(loaded: list[str]) -> None:
    assert not TRAINERS & {name.partition(".")[0] for name in loaded}


def test_a_serving_process_holds_its_own_rooms_only(loaded: list[str], served: Served) -> None:
    packages = {"seaway", "seaway.data", "seaway.registry"}
    allowed = (*(f"seaway.{room}" for room in ROOMS), *BESIDES)
    strangers = [
        name
        for name in loaded
        if name.partition(".")[0] == "seaway"
        and name not in packages
        and not any(name == place or name.startswith(f"{place}.") for place in allowed)
    ]
    assert not strangers
    assert "seaway.serve.workers" in loaded
    assert served.engine in loaded
