"""What is said of rows that cannot stand where they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.errors import Cell
from seaway.data.encode.clock import NEVER, Clock
from seaway.data.encode.laying import Faults
from seaway.data.encode.refusal import CELLS, cell_of


def cells_of(
    faults: Faults, never: Array, rows: Mapping[int, Mapping[str, Json]], case: Array, clock: Clock, target: str
) -> tuple[dict[int, tuple[Cell, ...]], int]:
    """Return the broken cells by case, and how many there are; `rows` holds at least the faulty ones by number."""
    name, step = clock.column.name, clock.frequency.words
    zone = clock.zone.name if clock.zone is not None else "UTC"
    reasons = (
        (never, "zone", NEVER.format(zone=zone)),
        (faults.duplicate, "duplicate", f"Send one row per series and {name!r}."),
        (faults.off_grid, "frequency", f"Send rows that are a whole number of steps (one {step}) apart."),
    )
    found: dict[int, list[Cell]] = {}
    count = 0
    for where, rule, fix in reasons:
        numbers = np.flatnonzero(where).tolist()
        count += len(numbers)
        for number in numbers[:CELLS]:
            found.setdefault(int(case[number]), []).append(cell_of(number, name, rows[number].get(name), rule, fix))
    last = last_rows(case)
    for one in np.flatnonzero(faults.unknown).tolist():
        fix = f"Send the newest rows of the series with {target!r}: without one known value there is no forecast."
        found.setdefault(one, []).append(
            cell_of(last[one], target, rows.get(last[one], {}).get(target), "history", fix)
        )
        count += 1
    for one in np.flatnonzero(faults.gap).tolist():
        fix = f"Send a row for every {step} between the oldest and the newest row."
        found.setdefault(one, []).append(cell_of(last[one], name, rows.get(last[one], {}).get(name), "gap", fix))
        count += 1
    return {one: tuple(sorted(cells, key=lambda cell: cell.row)) for one, cells in sorted(found.items())}, count


def last_rows(case: Array) -> list[int]:
    """Return the number of the last row of each case."""
    last = np.zeros(int(case.max()) + 1, dtype=np.int64)
    last[case] = np.arange(len(case))
    return last.tolist()


def faulty(faults: Faults, case: Array) -> Sequence[int]:
    """Return the numbers of the rows that `cells_of` asks for."""
    last = np.array(last_rows(case))
    told = [np.flatnonzero(faults.duplicate)[:CELLS], np.flatnonzero(faults.off_grid)[:CELLS]]
    ends = last[faults.unknown | faults.gap][:CELLS]
    numbers: list[int] = np.unique(np.concatenate([*told, ends])).tolist()
    return numbers
