"""A module with the types of one model's contract: its rows and predictions, and clients that know them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence

from seaway.core.contract import Column, Contract, Output

VALUES: Mapping[str, str] = {"number": "float", "integer": "int", "boolean": "bool"}
"""Python's type by kind of column; a category is described by its labels, all other kinds are texts."""

SHOWN = 12
"""Categories that a comment lists at most."""


def stub(contract: Contract, model: str, release: str = "") -> str:
    """Return the source of a module for `model`; the same contract gives the same bytes.

    A column or output whose name is no identifier is written in the functional form of TypedDict.
    """
    name = "".join(part.capitalize() for part in re.split(r"\W|_", model) if part) or "Model"
    name = name if name[0].isalpha() else f"Model{name}"
    about = f", release {release[:12]}" if release else ""
    options = _options(contract, name)
    return (
        "\n".join(
            [
                f'"""Types and clients of the model {model}: made by `seaway client stub` from contract {contract.digest[:12]}{about}."""',
                "",
                "# Made by a machine: make it anew where the contract has changed, do not edit it.",
                "",
                "from __future__ import annotations",
                "",
                "import datetime",
                "import os",
                "from typing import Any, Literal, NotRequired, TypedDict",
                "",
                "from seaway.client import Retries, Timeouts, TypedAsyncClient, TypedClient",
                "",
                "__all__ = [" + ", ".join(f'"{one}"' for one in _exported(name, bool(options))) + "]",
                "",
                f"CONTRACT = {contract.digest!r}",
                '"""Digest of the contract that these types were made from; `client.contract().digest` is the one that answers."""',
                "",
                f"MODEL = {model!r}",
                "",
                *_typed(f"{name}Row", "One row as it is sent.", _row(contract)),
                *options,
                *_typed(
                    "_Flag", "A cell outside what was seen in training.", [("column", "str", ""), ("rule", "str", "")]
                ),
                *_typed(f"{name}Prediction", "What is said of one case.", _prediction(contract)),
                *_client(f"{name}Client", "TypedClient", name),
                *_client(f"Async{name}Client", "TypedAsyncClient", name),
            ]
        ).rstrip("\n")
        + "\n"
    )


Field = tuple[str, str, str]
"""Name, type and comment of a field."""


def _exported(name: str, has_options: bool) -> list[str]:
    found = [f"Async{name}Client", "CONTRACT", "MODEL", f"{name}Client", f"{name}Prediction", f"{name}Row"]
    return sorted([*found, f"{name}Options"] if has_options else found)


def _row(contract: Contract) -> list[Field]:
    """Return the fields of a row: what is asked for, then what may be sent and is not read."""
    found = [_field(column, contract) for column in contract.columns if _is_read(column, contract)]
    others = [
        (column.name, "NotRequired[Any]", "not read")
        for column in contract.columns
        if not _is_read(column, contract) and column.role != "target"
    ]
    return found + others


def _is_read(column: Column, contract: Contract) -> bool:
    is_moment = contract.series is not None and column.role in ("time", "target")
    return bool(column.encoded) or column.encode == "array" or column.role == "id" or is_moment


def _field(column: Column, contract: Contract) -> Field:
    is_moment = contract.series is not None and column.role == "time"
    if column.role == "id":
        return column.name, "NotRequired[str | int | None]", "joins late labels to their prediction"
    kind = _value(column)
    if column.null == "missing" and not is_moment:
        kind += " | None"
    is_needed = is_moment or (column.absent == "error" and column.role == "feature")
    return column.name, kind if is_needed else f"NotRequired[{kind}]", _comment(column)


def _value(column: Column) -> str:
    if column.kind == "category":
        is_closed = column.hard and column.categories and not column.clean and not _reads_as_others(column.categories)
        return _literal(column.categories) if is_closed else "str | int"
    if column.kind == "time":
        return "str | datetime.date"
    return VALUES.get(column.kind, "str")


def _reads_as_others(categories: Sequence[str]) -> bool:
    """Say whether a category may also be sent as a number or truth value."""
    return any(text in ("true", "false") or text.lstrip("-").isdecimal() for text in categories)


def _literal(labels: Sequence[str]) -> str:
    return f"Literal[{', '.join(repr(label) for label in labels)}]"


def _comment(column: Column) -> str:
    notes = [column.unit] if column.unit else []
    if column.range is not None:
        notes.append(f"{column.range[0]:g} to {column.range[1]:g}")
    if column.categories:
        more = ", ..." if len(column.categories) > SHOWN else ""
        notes.append(", ".join(map(repr, column.categories[:SHOWN])) + more)
    return "; ".join(notes)


def _options(contract: Contract, name: str) -> list[str]:
    fields = [(one.name, f"NotRequired[{_value(one)}]", _comment(one)) for one in contract.options]
    return _typed(f"{name}Options", "What may be asked with the rows.", fields) if fields else []


def _prediction(contract: Contract) -> list[Field]:
    """Return the fields of a prediction; one refused under `partial` has an error alone, so all but it may be absent."""
    places: list[Field] = []
    if contract.series:
        names = [column.name for column in contract.having("id")]
        places = [("id", f"NotRequired[{'dict[str, str]' if len(names) > 1 else 'str'}]", ""), ("at", "list[str]", "")]
    outputs = [(one.name, _output(one, one.axes), one.unit) for one in contract.outputs]
    return [
        *places,
        *outputs,
        ("flags", "NotRequired[list[_Flag]]", "cells outside what was seen in training"),
        ("explanation", "NotRequired[dict[str, Any]]", "with explain=True"),
        ("error", "NotRequired[dict[str, Any]]", "with partial=True: alone, in the place of a refused row"),
    ]


def _output(output: Output, axes: Sequence[str]) -> str:
    labels = next((axis for axis in axes if axis in ("class", "level")), "")
    if labels:
        inner = _output(output, [axis for axis in axes if axis != labels])
        key = _literal(output.labels) if output.labels else "str"
        return f"dict[{key}, {inner}]"
    if axes:
        return f"list[{_output(output, axes[1:])}]"
    if output.kind == "code":
        return _literal(output.labels) if output.labels else "int"
    return "float" if output.kind == "number" else "Any"


def _typed(name: str, about: str, fields: Sequence[Field]) -> list[str]:
    """Return a TypedDict, by class where every name can stand in one."""
    lines = [(one, kind, f"  # {_harmless(note)}" if note else "") for one, kind, note in fields]
    if all(_is_plain(one) for one, _, _ in fields):
        body = [f"    {one}: {kind}{note}" for one, kind, note in lines]
        return ["", f"class {name}(TypedDict):", f'    """{about}"""', "", *(body or ["    pass"]), ""]
    quoted = [f"        {one!r}: {kind!r},{note}" for one, kind, note in lines]
    return ["", f"{name} = TypedDict(", f"    {name!r},", "    {", *quoted, "    },", ")", f'"""{about}"""', ""]


def _is_plain(name: str) -> bool:
    """Say whether a name can stand in a class: no keyword, and nothing that Python would rewrite (`__x`)."""
    return name.isidentifier() and name.isascii() and not keyword.iskeyword(name) and not name.startswith("__")


def _harmless(note: str) -> str:
    """Return a comment that stays one: names and units of data may hold line ends."""
    return "".join(letter if letter.isprintable() else " " for letter in note)


def _client(name: str, base: str, model: str) -> list[str]:
    return [
        "",
        f"class {name}({base}[{model}Row, {model}Prediction]):",
        f'    """Asks this model; see `seaway.client.{base}` for what can be asked."""',
        "",
        "    def __init__(",
        "        self,",
        '        url: str = "http://127.0.0.1:8000",',
        "        *,",
        "        key: str | None = None,",
        "        ca: str | os.PathLike[str] | None = None,",
        "        plain: bool = False,",
        "        timeouts: Timeouts | None = None,",
        "        retries: Retries | None = None,",
        "        connections: int = 16,",
        "    ) -> None:",
        "        super().__init__(",
        "            url, model=MODEL, key=key, ca=ca, plain=plain, timeouts=timeouts, retries=retries, connections=connections",
        "        )",
        "",
    ]
