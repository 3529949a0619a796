"""`seaway label`: late ground truth from a file, joined by request id or by an id column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seaway.core import chance
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.errors import BadInput, Cell
from seaway.core.protocols import Rows
from seaway.data import read
from seaway.serve import labels
from seaway.workflow.workspace import Workspace, person

JOINS = ("request_id", "row", "id", "at", "time", "value")


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """How many labels were taken in, and which cells were refused."""

    taken: int
    refused: int
    cells: tuple[Cell, ...]


def label(workspace: Workspace, file: Path | str, *, principal: str = "") -> Labelled:
    """Write labels durably to the model's event log; a running server is not needed.

    The file has `value` (or the target's own name) and either `request_id` (and `row`, 0 without it) or `id` (or the
    contract's id column); `time` is when the value became known, `at` the moment it is about.
    """
    rows = read.table(file)
    records = _records(rows, workspace.contract, str(file))
    done = labels.write(
        workspace.project.make().log,
        workspace.model,
        records,
        workspace.contract,
        principal=principal or person(),
    )
    return Labelled(taken=done.taken, refused=done.refused, cells=done.cells)


def _records(rows: Rows, contract: Contract, where: str) -> list[Mapping[str, Json]]:
    names = _columns(rows, contract, where)
    now = chance.stamp()
    return [
        {"time": now, **{ours: record[theirs] for ours, theirs in names.items() if record.get(theirs) is not None}}
        for record in rows.records()
    ]


def _columns(rows: Rows, contract: Contract, where: str) -> dict[str, str]:
    """Find which of the file's columns is which part of a label."""
    names = {name: name for name in JOINS if name in rows.names}
    target = contract.target
    if "value" not in names and target and target.name in rows.names:
        names["value"] = target.name
    ids = [column.name for column in contract.having("id")]
    if "id" not in names and "request_id" not in names and ids and ids[0] in rows.names:
        names["id"] = ids[0]
    if "value" not in names:
        raise BadInput(
            "The file has no column with the true values",
            where=where,
            fix=f"Name it `value`{f' or `{target.name}`' if target else ''}; the file has: {', '.join(rows.names)}.",
        )
    if "request_id" not in names and "id" not in names:
        raise BadInput(
            "The file does not say which prediction each value is about",
            where=where,
            fix=f"Add a column `request_id` (as answered){f' or `{ids[0]}`' if ids else ' or `id`'}.",
        )
    return names
