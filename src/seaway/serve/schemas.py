"""What a contract says, as JSON Schema: rows as callers send them, predictions as they read them, labels that come later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seaway.core.batch import Json
from seaway.core.contract import Column, Contract, Output

KINDS: Mapping[str, Sequence[str]] = {
    "number": ["number"],
    "integer": ["integer"],
    "boolean": ["boolean"],
}
"""JSON types by kind of column; all other kinds are texts."""

ID: Mapping[str, Json] = {"type": ["string", "integer"]}


def row_schema(contract: Contract) -> dict[str, Json]:
    """Describe a row as callers send it: features and ids; of a series its moment and its observed value as well."""
    columns = [column for column in contract.columns if _is_asked(column, contract)]
    others = [column for column in contract.columns if column not in columns and column.role != "target"]
    schema: dict[str, Json] = {"type": "object"}
    if contract.series:
        schema["description"] = _periods(contract)
    schema |= {
        "properties": {column.name: column_schema(column) for column in [*columns, *others]},
        "required": [
            column.name for column in columns if column.absent == "error" and column.role in ("feature", "time")
        ],
        "additionalProperties": contract.extra == "ignore",
    }
    return schema


def _is_asked(column: Column, contract: Contract) -> bool:
    is_moment = contract.series is not None and column.role in ("time", "target")
    return bool(column.encoded) or column.role == "id" or is_moment


def _periods(contract: Contract) -> str:
    target = contract.target.name if contract.target else "its value"
    of = f"One period ({contract.series.frequency}) of one series. " if contract.series else ""
    return (
        f"{of}With {target}: what was observed. Without it, behind the newest observation: what is known already of a period "
        "that is asked about. Rows of several series may stand in any order."
    )


def column_schema(column: Column) -> dict[str, Json]:
    """Describe one value; soft categories and ranges are hints, hard ones are rules."""
    if column.role == "id":
        return {"type": ["string", "integer", "null"], "description": "Joins late labels to their prediction."}
    types = list(KINDS.get(column.kind, ["string"]))
    schema: dict[str, Json] = {}
    notes = [f"unit: {column.unit}"] if column.unit else []
    if column.categories and column.hard:
        schema["enum"] = [*column.categories, *([None] if column.null == "missing" else [])]
    elif column.categories:
        schema["examples"] = list(column.categories[:20])
        notes.append(
            "other values are answered with a flag" if column.unseen != "error" else "other values are refused"
        )
    if column.range is not None and column.hard:
        schema["minimum"], schema["maximum"] = column.range
    elif column.range is not None:
        notes.append(f"usually {column.range[0]:g} to {column.range[1]:g}")
    if column.kind == "time":
        schema["format"] = "date-time"
    if notes:
        schema["description"] = "; ".join(notes)
    return {"type": [*types, "null"] if column.null == "missing" else types, **schema}


def prediction_schema(contract: Contract) -> dict[str, Json]:
    """Describe one prediction by the contract's outputs."""
    flag = {"type": "object", "properties": {"column": {"type": "string"}, "rule": {"type": "string"}}}
    return {
        "type": "object",
        "properties": {
            **(_places(contract) if contract.series else {}),
            **{output.name: _output_schema(output, output.axes, contract) for output in contract.outputs},
            "flags": {"type": "array", "items": flag, "description": "Cells outside what was seen in training."},
            "explanation": {"type": "object", "description": 'With "explain": true.'},
            "error": {"type": "object", "description": 'In place of a refused case, with "partial": true.'},
        },
    }


def _places(contract: Contract) -> dict[str, Json]:
    """Describe which series and which moments a prediction is about."""
    at: dict[str, Json] = {"type": "array", "items": {"type": "string"}, "description": "The moment of each step."}
    ids = id_schema(contract)
    return {**({"id": ids} if ids else {}), "at": at}


def id_schema(contract: Contract) -> dict[str, Json]:
    """Describe how a case is named: by one value, by an object where there are several id columns, {} where there is none."""
    ids = contract.having("id")
    if len(ids) < 2:
        return dict(ID) if ids or contract.series is None else {}
    return {"type": "object", "properties": {column.name: ID for column in ids}, "additionalProperties": False}


def _output_schema(output: Output, axes: Sequence[str], contract: Contract) -> dict[str, Json]:
    labels = next((axis for axis in axes if axis in ("class", "level")), "")
    if labels:  # labels come first, whatever stands before them
        inner = _output_schema(output, [axis for axis in axes if axis != labels], contract)
        found: dict[str, Json] = {"type": "object", "properties": dict.fromkeys(output.labels, inner)}
    elif axes:
        found = {"type": "array", "items": _output_schema(output, axes[1:], contract)}
        if axes[0] == "step" and contract.series:
            found["maxItems"] = contract.series.horizon
    elif output.kind == "code":
        found = {"type": "string", "enum": list(output.labels)} if output.labels else {"type": "integer"}
    else:
        found = {"type": "number"} if output.kind == "number" else {}
    if axes == output.axes and output.notes:
        meanings = (f"{label}: {note}" for label, note in zip(output.labels, output.notes, strict=False))
        found["description"] = "; ".join(meanings)
    return found


def labels_schema(contract: Contract) -> dict[str, Any]:
    """Describe the body of /v1/labels: what came true, and of which case."""
    ids = id_schema(contract)
    needed = ["value", "at"] if contract.series else ["value"]
    return {
        "type": "object",
        "required": ["labels"],
        "properties": {
            "model": {"type": "string"},
            "partial": {"type": "boolean", "description": "Take in the labels that hold, list the others."},
            "labels": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": needed,
                    "properties": {
                        "request_id": {"type": "string"},
                        "row": {"type": "integer", "minimum": 0, "description": "Which prediction of the request."},
                        **({"id": ids} if ids else {}),
                        "at": {"type": "string", "description": "The moment it is about."},
                        "time": {"type": "string", "format": "date-time", "description": "When it became known."},
                        "value": _value_schema(contract),
                    },
                },
            },
        },
    }


def _value_schema(contract: Contract) -> dict[str, Json]:
    return {"enum": list(contract.classes)} if contract.classes else {"type": "number"}
