"""Rig R1: each operation is killed, or its disk fails (EIO, ENOSPC), at the k-th system call of every kind that touches files.

After each strike: what was acknowledged is there, the registry names exactly one valid release, the log holds each record once;
a failing disk ends in a refusal that says so (exit 3), never in a fault; and the same command, run again, arrives.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.operations import OPERATIONS, Operation
from tests.crash.rig import FAULTS, Fault, Ledger, copies, counted, struck, tracer

SHORT = 10
"""Strikes of each operation in the short form; the long form strikes at every call with every fault."""

Point = tuple[str, int, Fault]


def points(operation: Operation, folder: Path) -> list[Point]:
    """Return every (call, k, fault) that the operation can be struck at."""
    made = counted(tracer(), lambda: operation.run(folder, Ledger()))
    return [(call, k, fault) for call, times in sorted(made.items()) for k in range(1, times + 1) for fault in FAULTS]


def strike(operation: Operation, folder: Path, point: Point) -> bool:
    """Strike once, look, run again, look; return whether the strike hit."""
    call, k, fault = point
    ledger = Ledger()
    end = struck(tracer(), call, k, fault, lambda: operation.run(folder, ledger))
    assert end.how != "broke", f"{call} {k} {fault} ends in a fault:\n{end.told}"
    if end.how == "refused":
        assert end.told.startswith("3 "), f"{call} {k} {fault} is refused as something else:\n{end.told}"
    operation.check(folder, ledger.lines)
    operation.run(folder, Ledger())
    operation.check(folder, ledger.lines)
    operation.arrived(folder)
    return end.injected > 0


def strikes(operation: Operation, tmp_path: Path, most: int | None) -> tuple[int, int]:
    """Strike an operation at all its points, or at `most` spread over them; return how many there are and how many hit."""
    operation.prepare(tmp_path / "made")
    fresh = copies(tmp_path / "made", tmp_path)
    operation.run(next(fresh), Ledger())  # what is imported on first use is imported now
    every = points(operation, next(fresh))
    step = 1 if most is None else max(1, len(every) // most) | 1  # odd: a stride that meets all three faults
    hits, chosen = 0, every[:: step if step % 3 else step + 2]
    for point, copy in zip(chosen, fresh, strict=False):
        try:
            hits += strike(operation, copy, point)
        except AssertionError as error:
            pytest.fail(f"at {point}: {error}")
    return len(every), hits


@pytest.mark.parametrize("name", OPERATIONS)
def test_struck_at_some_calls(name: str, tmp_path: Path) -> None:
    every, hits = strikes(OPERATIONS[name], tmp_path, SHORT)
    assert hits > min(SHORT, every) // 2


@pytest.mark.soak
@pytest.mark.parametrize("name", OPERATIONS)
def test_struck_at_every_call(name: str, tmp_path: Path) -> None:
    every, hits = strikes(OPERATIONS[name], tmp_path, None)
    print(f"\nR1 {name}: {hits} of {every} points struck (kill, EIO, ENOSPC), 0 acknowledged lost, all arrived again")
    assert hits >= 0.9 * every
