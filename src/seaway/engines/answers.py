"""What every way of running a graph owes: outputs that are the contract's, numbers that are numbers, reasons or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.core.errors import SeawayError, Untrusted
from seaway.core.verdict import Verdict
from seaway.engines.walk import GRAPH, Walked
from seaway.engines.wire import TYPES, Info


class BrokenAnswer(SeawayError):
    """The program answered something that is no answer; it is kept from the caller."""

    code = "broken-answer"


def refuse_infinite(answers: Mapping[str, Array], names: Sequence[str]) -> None:
    """Raise for the first case whose answer holds no finite number."""
    for name in names:
        value = answers[name]
        if np.isfinite(value).all():
            continue
        broken = np.flatnonzero(~np.isfinite(value).reshape(len(value), -1).all(axis=1))
        raise BrokenAnswer(
            f"The model's answer {name!r} is not a finite number",
            where=f"case {broken[0]}",
            fix="Look at the case's inputs; roll back if other requests answer so too.",
        )


def unexplained() -> Verdict:
    """Say why a program cannot be explained."""
    return Verdict(
        code="E001",
        outcome="not-applicable",
        subject="program",
        message="This program was exported without what an explanation needs (covers and training means)",
        fix="Train and release again; blends of outputs are not explained.",
    )


def hold(walked: Walked, contract: Contract) -> None:
    """Refuse a graph whose inputs and outputs are not those of the contract."""
    inputs, outputs = dict(walked.model.inputs), walked.model.outputs
    x = inputs.pop("x", None)
    if x is not None and (len(x.dims) != 2 or x.dims[1] != len(contract.encoded) or TYPES[x.kind] != "<f4"):
        raise differs(f"it reads x of dimensions {x.dims}, the contract makes {len(contract.encoded)} features")
    arrays = {column.name for column in contract.columns if column.encode == "array" and column.role == "feature"}
    unknown = sorted(set(inputs) - arrays)
    if unknown:
        raise differs(f"it reads {unknown[0]!r}, which the contract does not make")
    for output in contract.outputs:
        found = outputs.get(output.name)
        if found is None:
            raise differs(f"it does not answer {output.name!r}")
        wanted = "<i8" if output.kind == "code" else "<f8"
        sizes = [len(output.labels) or None if axis == "class" else None for axis in output.axes]
        if TYPES[found.kind] != wanted or not _fits(found, sizes):
            raise differs(f"its output {output.name!r} has dimensions {found.dims} of type {TYPES[found.kind]}")
    surplus = sorted(set(outputs) - {output.name for output in contract.outputs} - {"margin"})
    if surplus:
        raise differs(f"it answers {surplus[0]!r}, which the contract does not know")


def differs(what: str) -> Untrusted:
    """Return the refusal of a graph that is not for its contract."""
    return Untrusted(
        f"The graph is not for this contract: {what}",
        where=GRAPH,
        fix="The bundle's parts are not from one release; release the run again.",
        code="graph-contract",
    )


def _fits(found: Info, sizes: list[int | None]) -> bool:
    """Say whether the dimensions after rows are `sizes`; None stands for any."""
    return len(found.dims) == 1 + len(sizes) and all(
        size is None or dim == size for dim, size in zip(found.dims[1:], sizes, strict=True)
    )
