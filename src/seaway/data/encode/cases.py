"""Which rows are of one series: rows with the same ids, in the order in which the ids first stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array, Ids, Json
from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.data.encode import cell, message


def of_objects(rows: Sequence[Mapping[str, Json]], names: Sequence[str]) -> tuple[list[int], list[Ids]]:
    """Return the case of each row and the ids of each case; a row whose ids cannot be read is a case of its own."""
    if not names:
        return [0] * len(rows), [{}] if rows else []
    if len(names) == 1:
        found = _of_one(rows, names[0])
        if found is not None:
            return found
    known: dict[object, int] = {}
    case_of: list[int] = []
    ids: list[Ids] = []
    for number, row in enumerate(rows):
        # 1 and "1" are one series.
        key: object = tuple(str(value) if value.__class__ is int else value for value in map(row.get, names))
        try:
            case = known.get(key)
            if case is None:
                texts = message.id_texts(row, names)
                case = known.setdefault(key, len(ids))
        except (cell.Broken, TypeError):  # TypeError: a list or an object has no hash
            texts, case = {}, known.setdefault(("row", number, None), len(ids))
        if case == len(ids):
            ids.append(texts)
        case_of.append(case)
    return case_of, ids


def _of_one(rows: Sequence[Mapping[str, Json]], name: str) -> tuple[list[int], list[Ids]] | None:
    """Return the same where there is one id column that holds nothing but short texts: the usual request, read at once."""
    values = [row.get(name) for row in rows]
    try:
        known = {value: case for case, value in enumerate(dict.fromkeys(values))}
    except TypeError:  # a list or an object has no hash
        return None
    if not all(value.__class__ is str and len(value) <= message.LONGEST_ID for value in known):
        return None
    return [known[value] for value in values], [{name: str(value)} for value in known]


def of_rows(rows: Rows, names: Sequence[str]) -> tuple[Array, list[Ids]]:
    """Return the same of a table: (case of each row (rows,) int64, ids of each case)."""
    held = [name for name in names if name in rows.names]
    if not len(rows):
        return np.zeros(0, dtype=np.int64), []
    columns = []
    for name in held:
        values, missing = rows.column(name)
        texts = values.tolist() if values.dtype == object else [str(value) for value in values.tolist()]
        columns.append([None if gone else text for text, gone in zip(texts, missing.tolist(), strict=True)])
    known: dict[tuple[str | None, ...], int] = {}
    if not columns:
        return np.zeros(len(rows), dtype=np.int64), [{}]
    case = np.array([known.setdefault(key, len(known)) for key in zip(*columns, strict=True)], dtype=np.int64)
    return case, [{n: t for n, t in zip(held, key, strict=True) if t is not None} for key in known]


def split(contract: Contract, rows: Sequence[Mapping[str, Json]]) -> list[list[Mapping[str, Json]]]:
    """Cut the rows of a request, as accepted or as logged, into those of each series, in the order of its predictions."""
    case, ids = of_objects(rows, [column.name for column in contract.having("id")])
    found: list[list[Mapping[str, Json]]] = [[] for _ in ids]
    for own, row in zip(case, rows, strict=True):
        found[own].append(row)
    return found
