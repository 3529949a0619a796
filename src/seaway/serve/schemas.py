"""What a contract says, as JSON Schema: rows as callers send them, predictions as they read them, labels that come later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seaway.core.batch import Json
from seaway.core.contract import Column, Contract, Output
from seaway.data.encode import cell
from seaway.serve.replies import named

KINDS: Mapping[str, Sequence[str]] = {
    "number": ["number"],
    "integer": ["integer"],
    "boolean": ["boolean"],
    "category": ["string", "integer"],
}
"""JSON types by kind of column; all other kinds are texts."""

ID: Mapping[str, Json] = {"type": ["string", "integer", "null"]}

BLANK = r"^[\s\x1c-\x1f]*$"
"""Texts that hold nothing: a missing value, as it comes from files."""


def row_schema(contract: Contract, longest: int) -> dict[str, Json]:
    """Describe a row as callers send it: features and ids; of a series its moment and its observed value as well.

    No text in it may have more than `longest` characters.
    """
    columns = [column for column in contract.columns if _is_asked(column, contract)]
    others = [column for column in contract.columns if column not in columns and column.role != "target"]
    schema: dict[str, Json] = {"type": "object"}
    if contract.series:
        schema["description"] = _periods(contract)
    needed = [column.name for column in columns if _is_needed(column, contract)]
    schema |= {
        "properties": {
            **{column.name: _within(column_schema(column), longest) for column in columns},
            **{
                column.name: {"description": "May be sent, and is not read.", "maxLength": longest} for column in others
            },
        },
        **({"required": needed} if needed else {}),
        "additionalProperties": contract.extra == "ignore",
    }
    return schema


def _within(schema: dict[str, Json], longest: int) -> dict[str, Json]:
    is_any_text = "string" in schema["type"] and not {"enum", "anyOf"} & set(schema)
    return {**schema, "maxLength": longest} if is_any_text else schema


def _is_needed(column: Column, contract: Contract) -> bool:
    if contract.series is not None and column.role == "time":
        return True
    return column.absent == "error" and column.role == "feature"


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
    """Describe one value; soft categories and ranges are hints, hard ones are rules.

    What cleaning may turn into something else is described by its type alone.
    """
    if column.role == "id":
        return {**ID, "description": "Joins late labels to their prediction."}
    types = list(KINDS.get(column.kind, ["string"]))
    schema: dict[str, Json] = {}
    notes = [f"unit: {column.unit}"] if column.unit else []
    if column.categories and column.hard and not column.clean:
        if column.null == "missing":
            schema["anyOf"] = [{"enum": [*_written(column.categories), None]}, {"type": "string", "pattern": BLANK}]
        else:
            schema["enum"] = _written(column.categories)
    elif column.categories:
        schema["examples"] = list(column.categories[:20])
        notes.append(
            "other values are answered with a flag" if column.unseen != "error" else "other values are refused"
        )
    if column.range is not None and column.hard and not column.clean:
        schema["minimum"], schema["maximum"] = column.range
    elif column.range is not None:
        notes.append(f"usually {column.range[0]:g} to {column.range[1]:g}")
    if column.kind == "time":
        notes.append(f"a time such as {cell.example(column.format)}")
    if column.null == "missing" and column.role != "time":
        types.append("null")
        if "string" not in types:
            types.append("string")
            notes.append("an empty text is a missing value")
            schema |= {} if column.clean else {"pattern": BLANK}
    if notes:
        schema["description"] = "; ".join(notes)
    return {"type": types, **schema}


def option_schema(option: Column) -> dict[str, Json]:
    """Describe one option of a request: as a column, but nothing about it is soft."""
    schema = {name: value for name, value in column_schema(option).items() if name != "pattern"}
    schema["type"] = [kind for kind in schema["type"] if kind != "string" or option.kind in ("category", "time")]
    return schema


def _written(classes: Sequence[str]) -> list[Json]:
    """Return labels as callers may write them: a text, and the number or truth value that it is the text of."""
    values: list[Json] = list(classes)
    values += [int(text) for text in classes if text.lstrip("-").isdecimal() and str(int(text)) == text]
    return values + [text == "true" for text in classes if text in ("true", "false")]


def prediction_schema(contract: Contract) -> dict[str, Json]:
    """Describe one prediction by the contract's outputs, or what stands in the place of a refused case."""
    why = [named("Explanation"), named("Unexplained")]
    places = _places(contract) if contract.series else {}
    answered = {
        "type": "object",
        "required": [*(["at"] if places else []), *(output.name for output in contract.outputs)],
        "properties": {
            **places,
            **{output.name: _output_schema(output, output.axes, contract) for output in contract.outputs},
            "flags": {
                "type": "array",
                "items": named("Flag"),
                "description": "Cells outside what was seen in training.",
            },
            "explanation": {"anyOf": why, "description": 'With "explain": true.'},
        },
        "additionalProperties": False,
    }
    refused = {**named("Error"), "description": 'In place of a refused case, with "partial": true.'}
    return {"anyOf": [answered, refused]}


def _places(contract: Contract) -> dict[str, Json]:
    """Describe which series and which moments a prediction is about."""
    at: dict[str, Json] = {"type": "array", "items": {"type": "string"}, "description": "The moment of each step."}
    names = [column.name for column in contract.having("id")]
    one: dict[str, Json] = {"type": "string"}
    ids = {"type": "object", "properties": dict.fromkeys(names, one), "additionalProperties": False}
    return {"id": ids if len(names) > 1 else one, "at": at}


def id_schema(contract: Contract) -> dict[str, Json]:
    """Describe how a case is named: by one value, or by an object of all id columns; {} where there is one series only."""
    names = [column.name for column in contract.having("id")] or ([] if contract.series else ["id"])
    if not names:
        return {}
    whole: dict[str, Json] = {
        "type": "object",
        "properties": {name: {"type": ["string", "integer"]} for name in names},
        "required": names,
        "additionalProperties": False,
    }
    return {"anyOf": [whole, dict(ID)]} if len(names) == 1 else {"anyOf": [whole, {"type": "null"}]}


def _output_schema(output: Output, axes: Sequence[str], contract: Contract) -> dict[str, Json]:
    labels = next((axis for axis in axes if axis in ("class", "level")), "")
    if labels:  # labels come first, whatever stands before them
        inner = _output_schema(output, [axis for axis in axes if axis != labels], contract)
        found: dict[str, Json] = {
            "type": "object",
            "properties": dict.fromkeys(output.labels, inner),
            "required": list(output.labels),
            "additionalProperties": False,
        }
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


def labels_schema(contract: Contract, most: int) -> dict[str, Any]:
    """Describe the body of /v1/labels: what came true, and of which case; `most` labels are taken at once."""
    ids = id_schema(contract)
    needed = ["value", "at"] if contract.series else ["value"]
    return {
        "type": "object",
        "required": ["labels"],
        "additionalProperties": False,
        "properties": {
            "model": {"type": "string"},
            "partial": {"type": "boolean", "description": "Take in the labels that hold, list the others."},
            "labels": {
                "type": "array",
                "minItems": 1,
                "maxItems": most,
                "items": {
                    "type": "object",
                    "required": needed,
                    "additionalProperties": False,
                    "properties": {
                        "request_id": {"type": "string"},
                        "row": {
                            "type": "integer",
                            "minimum": 0,
                            "maximum": 2**31 - 1,
                            "description": "Which prediction of the request.",
                        },
                        **({"id": ids} if ids else {}),
                        "at": {
                            "type": "string",
                            "description": "The moment it is about: ISO 8601, or as predictions list it.",
                        },
                        "time": {
                            "type": "string",
                            "description": "When it became known: ISO 8601, UTC unless it says else.",
                        },
                        "value": _value_schema(contract),
                    },
                },
            },
        },
    }


def _value_schema(contract: Contract) -> dict[str, Json]:
    return {"enum": _written(contract.classes)} if contract.classes else {"type": "number"}
