"""`seaway new`: a project from a file of data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from seaway.core import extend, project
from seaway.core.batch import Json
from seaway.core.contract import NAME, Contract
from seaway.core.errors import BadInput
from seaway.core.project import Project
from seaway.core.protocols import Recipe, Rows, Task
from seaway.core.settings import DEFAULT_TASK
from seaway.core.verdict import Verdict
from seaway.data import blocks, files, infer, read
from seaway.data.sources import address
from seaway.data.sources.address import Address
from seaway.data.tally import looking

IGNORED = ".seaway/\n"
SAMPLED = 64 << 20
"""Bytes from which a file is too large to infer a contract from all of its rows."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A new project: where it is, what was inferred, and why."""

    project: Project
    contract: Contract
    rows: int
    verdicts: tuple[Verdict, ...]


def new(
    folder: Path,
    data: Path | str | Any,
    *,
    target: str = "",
    ids: Sequence[str] = (),
    time: str = "",
    ignore: Sequence[str] = (),
    task: str = "",
    name: str = "",
    test: Path | str = "",
    recipe: str = "",
    shape: Mapping[str, Json] | None = None,
) -> Made:
    """Make a project in `folder`; nothing is left behind when the data cannot serve the task.

    `shape` is what the task is told about the contract beyond the columns' roles, for example {"horizon": 24} of series. A
    recipe brings the task it prepares rows for, and what it guessed of the data is recorded in seaway.toml.
    """
    project.refuse_existing(folder)
    cook = _recipe(recipe) if recipe else None
    task = task or (cook.task if cook else DEFAULT_TASK)
    kind: Task = extend.load("task", task)()
    is_sampled = cook is None and kind.samples and _is_large(data)
    rows: Rows = looking.spread(data) if is_sampled else read.table(data)
    told: Mapping[str, Json] = {}
    of_recipe: Sequence[Verdict] = ()
    if cook is not None:
        told = cook.settings(rows)
        ids, of_recipe = ids or cook.ids(told), cook.verdicts(rows, told)
        rows = cook.prepare(rows, told)
    draft, guesses = infer.draft(rows, target=target, ids=ids, time=time, ignore=ignore)
    contract = kind.shape(msgspec.structs.replace(draft, task=task), rows, shape or {})
    if contract.target is None:  # the task asked for none, so that nothing is lacking
        guesses = [verdict for verdict in guesses if verdict.code != "I006"]
    guesses = [*of_recipe, *guesses, *([_of_sample(rows)] if is_sampled else [])]
    guesses += [verdict for check in kind.checks("new") for verdict in check((rows, contract))]
    place = Project(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.write(place, contract)
    _ignore_state(folder)
    place.settings.write_text(
        _settings_text(name or _name_of(folder), task, _relative(data, folder), _relative(test, folder), recipe, told),
        encoding="utf-8",
    )
    return Made(project=place, contract=contract, rows=len(rows), verdicts=tuple(guesses))


def _is_large(data: Path | str | Any) -> bool:
    """Say whether rows are inferred from a sample; a database is asked for all of them."""
    named = address.of(data) if isinstance(data, str | Path) else None
    return isinstance(named, Path) and not blocks.is_small(named, SAMPLED)


def _of_sample(rows: Rows) -> Verdict:
    return Verdict(
        code="I008",
        outcome="pass",
        subject="data",
        message=f"The file is large: kinds, ranges and categories are those of {len(rows):,} rows from all over it",
        fix="Run `seaway check`: it holds every row to the contract, and counts what the sample did not show.",
        value=float(len(rows)),
    )


def _name_of(folder: Path) -> str:
    word = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")
    return word[:64] if NAME.fullmatch(word[:64]) else "model"


def _relative(data: Path | str | Any, folder: Path) -> str:
    if not isinstance(data, str | Path | Address) or not str(data):
        return ""
    return address.relative(data, folder)


def _recipe(name: str) -> Recipe:
    known = extend.names("recipe")
    if name not in known:
        raise BadInput(f"There is no recipe {name!r}", where="--recipe", fix=f"Use one of: {', '.join(known)}.")
    recipe: Recipe = extend.load("recipe", name)()
    return recipe


def _ignore_state(folder: Path) -> None:
    path = folder / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if IGNORED.strip() not in text.split():
        path.write_text(text + IGNORED, encoding="utf-8")


def _settings_text(name: str, task: str, data: str, test: str, recipe: str, told: Mapping[str, Json]) -> str:
    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of this Seaway project; every one is described in docs/settings.md."))
    document.add(
        tomlkit.comment("Arguments win over SEAWAY_<SECTION>_<NAME> in the environment, those over this file.")
    )
    table = tomlkit.table()
    table.add("name", name)
    table.add("task", task)
    table.add("data", data)
    if test:
        table.add("test", test)
    if recipe:
        table.add("recipe", recipe)
    document.add("project", table)
    if told:
        table = tomlkit.table()
        table.comment("what the recipe makes the rows of")
        for key, value in told.items():
            table.add(key, value)
        document.add("recipe", table)
    for section, values, note in (
        (
            "train",
            {"budget_s": 60, "seed": 0},
            "`seaway train` stops after this many seconds; --trials N fixes the work",
        ),
        ("serve", {"port": 8000, "workers": 1, "durability": "disk"}, "answers leave after their record is on disk"),
        ("monitor", {"window": 1000, "labels": 200}, "rows per window; labels needed before performance is judged"),
        (
            "update",
            {"triggers": ["drift", "performance"], "margin": 0.01},
            "why to rebuild; how much worse is too much",
        ),
    ):
        table = tomlkit.table()
        table.comment(note)
        for key, value in values.items():
            table.add(key, value)
        document.add(section, table)
    return tomlkit.dumps(document)
