"""Answers as JSON: one object per case, every output by its axes, flags where something was soft-broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seaway.core.batch import Array, Batch, Json
from seaway.core.contract import Contract, Output


def predictions(contract: Contract, answers: Mapping[str, Array], batch: Batch) -> list[dict[str, Json]]:
    """Return one JSON object per case: single values first, then what has axes, then the flags."""
    ordered = sorted((output for output in contract.outputs if output.name in answers), key=lambda o: len(o.axes))
    columns = [(output.name, _shown(output, answers[output.name])) for output in ordered]
    found: list[dict[str, Json]] = [{name: values[case] for name, values in columns} for case in range(batch.cases)]
    if batch.flags:
        _attach_flags(found, batch)
    return found


def _shown(output: Output, values: Array) -> Sequence[Json]:
    plain = values.tolist()
    if output.kind == "document":
        return plain  # type: ignore[no-any-return]
    labels = output.labels
    if output.kind == "code" and labels:
        plain = _labelled(plain, labels)
    axes = output.axes
    if axes and axes[-1] in ("class", "level"):
        return [_objects(value, labels, len(axes)) for value in plain]
    if axes and axes[0] in ("class", "level"):
        return [dict(zip(labels, value, strict=True)) for value in plain]
    return plain  # type: ignore[no-any-return]


def _labelled(codes: Json, labels: tuple[str, ...]) -> Json:
    return [_labelled(code, labels) if isinstance(code, list) else labels[code] for code in codes]


def _objects(value: Json, labels: tuple[str, ...], depth: int) -> Json:
    if depth == 1:
        return dict(zip(labels, value, strict=True))
    return [_objects(item, labels, depth - 1) for item in value]


def _attach_flags(found: list[dict[str, Json]], batch: Batch) -> None:
    per_row = batch.cases == batch.rows
    case = 0
    for flag in sorted(batch.flags, key=lambda flag: flag.row):
        if per_row:
            case = flag.row
        else:
            while flag.row >= batch.starts[case + 1]:
                case += 1
        found[case].setdefault("flags", []).append({"column": flag.column, "rule": flag.rule})
