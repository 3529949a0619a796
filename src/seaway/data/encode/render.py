"""Answers as JSON: one object per case, every output by its axes, flags where something was soft-broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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


def forecasts(
    contract: Contract, answers: Mapping[str, Array], batch: Batch, texts: Callable[[Array], list[str]]
) -> list[dict[str, Json]]:
    """Return one JSON object per series: its id, the moments of its steps, and every output as long as those."""
    assert batch.time is not None  # a batch of series has one
    names = [column.name for column in contract.having("id")]
    outputs = [output for output in contract.outputs if output.name in answers]
    plain = {output.name: _shown(output, answers[output.name]) for output in outputs if output.axes[:1] != ("step",)}
    ends = batch.starts[1:]
    found: list[dict[str, Json]] = []
    for case, (end, steps) in enumerate(zip(ends.tolist(), batch.steps.tolist(), strict=True)):
        one: dict[str, Json] = _named(batch.options[case].get("ids") or {}, names)
        one["at"] = texts(batch.time[end - steps : end])
        for output in outputs:
            if output.name in plain:
                one[output.name] = plain[output.name][case]
            else:
                one[output.name] = _stepped(output, answers[output.name][case, :steps])
        found.append(one)
    if batch.flags:
        _attach_flags(found, batch)
    return found


def _named(ids: Mapping[str, str], names: Sequence[str]) -> dict[str, Json]:
    if not ids:
        return {}
    return {"id": dict(ids) if len(names) > 1 else next(iter(ids.values()))}


def _stepped(output: Output, values: Array) -> Json:
    """Show values (steps, ...): a class or level axis comes first, as an object of lists."""
    if output.axes[1:] and output.axes[1] in ("class", "level"):
        return {label: values[:, place].tolist() for place, label in enumerate(output.labels)}
    return _labelled(values.tolist(), output.labels) if output.kind == "code" and output.labels else values.tolist()


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
    said: set[tuple[int, str, str]] = set()
    case = 0
    for flag in sorted(batch.flags, key=lambda flag: flag.row):
        if per_row:
            case = flag.row
        else:
            while flag.row >= batch.starts[case + 1]:
                case += 1
        if not per_row and (case, flag.column, flag.rule) in said:
            continue  # once is enough of a series with many rows
        said.add((case, flag.column, flag.rule))
        found[case].setdefault("flags", []).append({"column": flag.column, "rule": flag.rule})
