"""A project's rows as its tasks see them: the file, and the recipe that was recorded when the project was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seaway.core import extend
from seaway.core.contract import Contract
from seaway.core.protocols import Recipe, Rows
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.data import read


def table(source: Path | str | Any, settings: Settings, contract: Contract | None = None) -> Rows:
    """Read `source` and repeat the recorded recipe on it; rows that hold all that the contract asks for were prepared before."""
    rows = read.table(source)
    name = settings.project.recipe
    if not name or (contract is not None and _is_prepared(rows, contract)):
        return rows
    recipe: Recipe = extend.load("recipe", name)()
    return recipe.prepare(rows, settings.recipe)


def verdicts(source: Path | str | Any, settings: Settings, contract: Contract) -> list[Verdict]:
    """Return what the recipe says of the rows of `source`; nothing where there is none, or where they were prepared before."""
    name = settings.project.recipe
    rows = read.table(source)
    if not name or _is_prepared(rows, contract):
        return []
    recipe: Recipe = extend.load("recipe", name)()
    return list(recipe.verdicts(rows, settings.recipe))


def _is_prepared(rows: Rows, contract: Contract) -> bool:
    return {column.name for column in contract.columns if column.encoded} <= set(rows.names)
