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
from seaway.data.sources import address
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
    contract's id columns); `time` is when the value became known, `at` the moment it is about. Of series, the time column
    is `at`, so that the rows of the next periods, as they are recorded, are labels as they stand.
    """
    source = address.of(file)
    records = _records(read.table(source), workspace.contract, str(source))
    done = labels.write(
        workspace.project.make().log,
        workspace.model,
        records,
        workspace.contract,
        principal=principal or person(),
    )
    return Labelled(taken=done.taken, refused=done.refused, cells=done.cells)


def _records(rows: Rows, contract: Contract, where: str) -> list[Mapping[str, Json]]:
    names, ids = _columns(rows, contract, where), _id_columns(rows, contract)
    now = chance.stamp()
    found: list[Mapping[str, Json]] = []
    for record in rows.records():
        label = {
            "time": now,
            **{ours: record[theirs] for ours, theirs in names.items() if record.get(theirs) is not None},
        }
        if "id" not in names and "request_id" not in names:
            named = {name: str(record[name]) for name in ids if record.get(name) is not None}
            label |= {"id": named if len(ids) > 1 else named.get(ids[0])} if named else {}
        found.append(label)
    return found


def _columns(rows: Rows, contract: Contract, where: str) -> dict[str, str]:
    """Find which of the file's columns is which part of a label, besides the contract's id columns."""
    names = {name: name for name in JOINS if name in rows.names}
    if contract.series is not None and "at" not in names:
        (time,) = contract.having("time")
        if time.name in rows.names:
            names.pop("time", None)  # the column of the moments may have just this name
            names["at"] = time.name
    target = contract.target
    if "value" not in names and target and target.name in rows.names:
        names["value"] = target.name
    if "value" not in names:
        raise BadInput(
            "The file has no column with the true values",
            where=where,
            fix=f"Name it `value`{f' or `{target.name}`' if target else ''}; the file has: {', '.join(rows.names)}.",
        )
    _refuse_unnamed(rows, names, contract, where)
    return names


def _id_columns(rows: Rows, contract: Contract) -> list[str]:
    return [column.name for column in contract.having("id") if column.name in rows.names]


def _refuse_unnamed(rows: Rows, names: Mapping[str, str], contract: Contract, where: str) -> None:
    """Raise `BadInput` where nothing in the file says which prediction a value is about."""
    wanted = [column.name for column in contract.having("id")]
    is_one_series = contract.series is not None and not wanted
    if "request_id" not in names and "id" not in names and not is_one_series and not _id_columns(rows, contract):
        ids = " and ".join(f"`{name}`" for name in wanted) or "`id`"
        raise BadInput(
            "The file does not say which prediction each value is about",
            where=where,
            fix=f"Add a column `request_id` (as answered) or {ids}.",
        )
    if contract.series is not None and "at" not in names:
        raise BadInput(
            "The file does not say which moment each value is about",
            where=where,
            fix=f"Add the column `{contract.having('time')[0].name}`, as in the data.",
        )
