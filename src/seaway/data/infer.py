"""Draft a contract from rows: kinds, roles, categories, ranges, blank words and shifts, each guess with its verdict.

I001 blank words, I002 numbers as text, I003 times, I004 roles, I005 shift, I006 target, I007 personal; I008 (of `seaway new`) a sample.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl

from seaway.core.contract import Column, Contract, Role
from seaway.core.errors import BadInput, NotFound
from seaway.core.protocols import Rows
from seaway.core.settings import ProjectSettings
from seaway.core.verdict import Outcome, Verdict
from seaway.data import guess, personal
from seaway.data.cast import typed
from seaway.data.encode import times
from seaway.data.encode.rules import Rules
from seaway.data.facts import Facts
from seaway.data.rows import Table


@dataclass
class Notes:
    """Collects what inference guessed."""

    verdicts: list[Verdict] = field(default_factory=list)

    def say(
        self, code: str, subject: str, message: str, fix: str = "", *, warn: bool = False, **evidence: object
    ) -> None:
        """Add a finding."""
        outcome: Outcome = "warn" if warn else "pass"
        self.verdicts.append(
            Verdict(code=code, outcome=outcome, subject=subject, message=message, fix=fix, evidence=dict(evidence))
        )


def draft(
    rows: Rows,
    *,
    target: str = "",
    ids: Sequence[str] = (),
    time: str = "",
    ignore: Sequence[str] = (),
    task: str = ProjectSettings().task,
) -> tuple[Contract, list[Verdict]]:
    """Return a contract for rows as read, and what was guessed. What the arguments name is taken as said."""
    table = rows if isinstance(rows, Table) else Table(pl.DataFrame(rows.records(), infer_schema_length=None))
    said: dict[str, Role] = dict.fromkeys(ignore, "ignore")
    said |= dict.fromkeys(ids, "id")
    said |= {name: role for name, role in ((time, "time"), (target, "target")) if name}  # type: ignore[misc]
    _refuse_unknown(said, table)
    notes = Notes()
    columns = [_column(Facts(table.series(name)), said, notes) for name in table.names]
    columns = _order_of_rows(columns, table, said, notes)
    _note_target(columns, target, notes)
    contract = Contract(task=task, per="row", columns=tuple(columns))
    # A target along a time can be learnt from by itself: the task says whether it does.
    if not any(column.encoded for column in columns) and not (time and target):
        raise BadInput(
            "No column is left to learn from",
            where="data",
            fix="The verdicts say why each was left out; name fewer columns to ignore, or bring more columns.",
            code="no-features",
        )
    return contract, notes.verdicts


def _column(facts: Facts, said: Mapping[str, Role], notes: Notes) -> Column:
    name = facts.name
    role = said.get(name)
    column = guess.kind(facts, notes, is_target=role == "target", is_time=role == "time")
    if role is None:
        role = guess.role(facts, column, notes)
    column = _with(column, role=role, personal=_personal(facts, notes))
    if role == "time" and column.kind not in ("time", "integer", "number"):
        raise BadInput(
            f"Column {name!r} was named as the time but its values are no times, for example {facts.example!r}",
            where=f"column {name!r}",
            fix="Name a column of dates such as 2025-11-25, or of numbers that grow with time.",
        )
    if role in ("ignore", "id"):
        return Column(name=name, kind=column.kind, role=role, format=column.format, personal=column.personal)
    return _measured(facts, column, notes)


def _personal(facts: Facts, notes: Notes) -> str:
    """Mark what is personal by its content; a name alone is no proof, so `seaway check` only asks about it."""
    what = personal.by_content(facts.words["text"].head(2000).to_list())
    if what:
        notes.say(
            "I007",
            facts.name,
            f"{facts.name!r} holds personal data ({what}): it is marked so, and logged as a digest only",
            "Leave the column out of the data where it is not needed.",
            warn=True,
        )
    return what


def _measured(facts: Facts, column: Column, notes: Notes) -> Column:
    """Add what the typed values say: categories, range, shift, parts of a time."""
    found = typed(facts.series, Rules.of(column))
    values = found.series.drop_nulls()
    if column.kind == "category":
        texts = sorted(values.unique().to_list())
        return _with(column, categories=() if column.role == "target" else tuple(texts))
    if column.kind in ("number", "integer") and len(values):
        low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
        column = _with(column, range=(low, high))
        return _with(column, shift=guess.shift(values, notes)) if column.encoded else column
    if column.kind == "time" and len(values):
        return _with(column, parts=guess.parts(values))
    return column


def measure(contract: Contract, rows: Rows) -> Contract:
    """Return the contract with categories, ranges, shifts and parts as wide as `rows` need; kinds and roles stay.

    Categories keep their order and new ones follow; what a person made hard stays as it is.
    """
    table = rows if isinstance(rows, Table) else Table(pl.DataFrame(rows.records(), infer_schema_length=None))
    notes = Notes()
    columns = [
        _widened(column, _measured(Facts(table.series(column.name)), column, notes))
        if column.name in table.names and not column.hard and column.role not in ("ignore", "id")
        else column
        for column in contract.columns
    ]
    return msgspec.structs.replace(contract, columns=tuple(columns))


def _widened(old: Column, new: Column) -> Column:
    more = tuple(text for text in new.categories if text not in set(old.categories))
    limits = new.range
    if old.range and new.range:
        limits = (min(old.range[0], new.range[0]), max(old.range[1], new.range[1]))
    parts = tuple(part for part in times.PARTS if part in (*old.parts, *new.parts))
    return _with(
        old, categories=(*old.categories, *more), range=limits or old.range, shift=old.shift or new.shift, parts=parts
    )


def _order_of_rows(columns: list[Column], table: Table, said: Mapping[str, Role], notes: Notes) -> list[Column]:
    """Mark the one time column the rows are sorted by: then the test rows are the newest ones."""
    if "time" in said.values():
        return columns
    sorted_by = [
        column
        for column in columns
        if column.kind == "time" and column.role == "feature" and guess.in_order(table.series(column.name), column)
    ]
    if len(sorted_by) != 1:
        return columns
    name = sorted_by[0].name
    notes.say(
        "I004",
        name,
        f"The rows stand in the order of {name!r}: it is taken as the time, so that models are judged on newer rows",
        f'Set the role of {name!r} to "feature" in contract.toml if the order has no meaning.',
    )
    return [_with(column, role="time") if column.name == name else column for column in columns]


def _note_target(columns: Sequence[Column], target: str, notes: Notes) -> None:
    if target:
        return
    near = [column.name for column in columns if column.name.lower() in guess.TARGET_NAMES]
    likely = near[0] if near else columns[-1].name
    notes.say(
        "I006",
        likely,
        "No target was named, so there is nothing to predict yet",
        f"Name it with --target, for example --target {likely!r}.",
        warn=True,
    )


def _refuse_unknown(said: Mapping[str, Role], table: Table) -> None:
    for name, role in said.items():
        if name not in table.names:
            near = difflib.get_close_matches(name, table.names, n=1, cutoff=0.4)
            raise NotFound(
                f"The data have no column {name!r}, which was named as {role}",
                where="data",
                fix=f"Did you mean {near[0]!r}?" if near else f"The columns are: {', '.join(table.names)[:400]}.",
                code="missing-column",
            )


def _with(column: Column, **changes: object) -> Column:
    return msgspec.structs.replace(column, **changes)
