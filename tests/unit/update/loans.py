"""A project folder of the small loan world: its file, contract and settings, and labelled cases as the log gives them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import extend
from seaway.core.project import Project
from seaway.core.settings import ProjectSettings, Settings, SplitSettings, TrainSettings
from seaway.data import files, infer, read
from seaway.monitor.window import Case
from seaway.update import lessons
from seaway.update.lessons import Lesson
from tests.unit.monitor import world

SETTINGS = Settings(
    project=ProjectSettings(name="credit", data="loans.csv"),
    split=SplitSettings(folds=3),
    train=TrainSettings(trials=2, threads=1, preset="fast", budget_s=0.0),
)


def project(folder: Path, count: int = 600, *seed: int | str, settings: Settings = SETTINGS) -> Project:
    """Write a project whose file holds `count` loans."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, _, truth = world.draw(count, "file", *seed)
    write_csv(
        folder / settings.project.data,
        [{**row, "outcome": world.CLASSES[int(y)]} for row, y in zip(rows, truth, strict=True)],
    )
    table = read.table(folder / settings.project.data)
    draft, _ = infer.draft(table, target="outcome")
    contract = extend.load("task", draft.task)().shape(draft, table, {})
    made = Project(folder).make()
    made.settings.write_text(f'[project]\nname = "{settings.project.name}"\ndata = "{settings.project.data}"\n')
    files.write(made, contract)
    return made


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as people keep them."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def cases(count: int, *seed: int | str, start: int = 1000) -> list[Case]:
    """Return labelled cases, one to a request, asked a thousand apart."""
    rows, chance, truth = world.draw(count, "log", *seed)
    made = [world.case_of(start + i, rows[i], float(chance[i]), float(truth[i])) for i in range(count)]
    return [
        Case(
            **{
                **{name: getattr(case, name) for name in case.__dataclass_fields__},
                "asked": case.number * 1000,
                "told": case.number * 1000 + 500,
            }
        )
        for case in made
    ]


def taught(cases: list[Case]) -> list[Lesson]:
    """Return what labelled cases teach under the loans' contract."""
    return lessons.of_cases(cases, world.CONTRACT)


def with_update(settings: Settings, **changes: Any) -> Settings:
    """Return settings with some of [update] changed."""
    return msgspec.structs.replace(settings, update=msgspec.structs.replace(settings.update, **changes))
