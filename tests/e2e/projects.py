"""Projects that several test files start from: trained once per test session, copied by each file that changes them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars
import pytest

from seaway.core import durable
from tests.e2e.shell import seaway
from tests.e2e.tables import TABLES


@dataclass(frozen=True)
class Walked:
    """A project with releases. `steps` holds what each command printed, `rows` the table's rows as a client sends them."""

    folder: Path
    source: Path
    target: str
    steps: dict[str, Any]

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.steps["release"]["model"])

    @property
    def digests(self) -> list[str]:
        """The releases, oldest first; the first one is the champion."""
        return [self.steps[name]["digest"] for name in ("release", "second release") if name in self.steps]

    def table(self) -> polars.DataFrame:
        """Return the whole table, with what came true."""
        return polars.read_csv(self.source)

    def rows(self, start: int = 0, count: int = 10) -> list[dict[str, Any]]:
        """Return rows without the answer; an empty cell is left out."""
        records = self.table().slice(start, count).drop(self.target).to_dicts()
        return [{name: value for name, value in record.items() if value is not None} for record in records]


def walked(factory: pytest.TempPathFactory, name: str) -> Walked:
    """Return the project of a table from `new` to `release`, walked once whatever the number of test processes.

    It is shared: only look at it, and `copied` it to change it.
    """
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    place = shared / "walked" / name
    with durable.locked(shared / "walked" / f"{name}.lock", wait_s=300, what="training the project"):
        if not (place / "steps.json").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            _walk(place, name)
    return _opened(place)


def copied(factory: pytest.TempPathFactory, name: str) -> Walked:
    """Return a copy of the project that the caller may change."""
    original = walked(factory, name).folder.parent
    place = factory.mktemp(name) / name
    shutil.copytree(original, place)
    return _opened(place)


def _walk(place: Path, name: str) -> None:
    table = TABLES[name]
    source = place / f"{name}.csv"
    table.write(source)
    steps: dict[str, Any] = {}
    steps["new"] = seaway(place, "new", "project", "--data", source, "--target", table.target, *table.options)
    folder = place / "project"
    table.edit(folder / "contract.toml")
    steps["check"] = seaway(folder, "check", exits=(0, 1))
    steps["train"] = seaway(folder, "train", "--trials", "3" if name == "credit" else "2", "--preset", "fast")
    steps["release"] = seaway(folder, "release")
    if name == "credit":
        steps["second train"] = seaway(folder, "train", "--trials", "1", "--preset", "fast", "--seed", "1")
        steps["second release"] = seaway(folder, "release")
    (place / "steps.json").write_text(json.dumps({"table": name, "place": str(place), "steps": steps}))


def _opened(place: Path) -> Walked:
    text = (place / "steps.json").read_text()
    written = json.loads(text.replace(json.loads(text)["place"], str(place)))  # in a copy, the copy's own paths
    name = written["table"]
    return Walked(place / "project", place / f"{name}.csv", TABLES[name].target, written["steps"])
