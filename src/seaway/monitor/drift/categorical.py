"""Categories: chi-square over their counts, and the names of those that the reference has never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Array
from seaway.monitor.drift.shift import Shift, chi_square, more_often, psi

NEW, OTHER = "(new)", "other"
SHOWN = 10


def compare(column: str, values: Array, then: Mapping[str, float]) -> Shift:
    """Compare texts (n,) with a reference's counts by category.

    What the reference does not name goes to its `other` where it has one (rare categories were folded there), else to a
    category of its own.
    """
    found = Counter(str(value) for value in values)
    unknown = {name: count for name, count in found.items() if name not in then}
    rest = OTHER if OTHER in then else NEW
    names = [*then, *([rest] if rest not in then else [])]
    now = np.array([found[name] + (sum(unknown.values()) if name == rest else 0) for name in names], dtype=np.float64)
    before = np.array([then.get(name, 0.0) for name in names], dtype=np.float64)
    # Chi-square puts rare categories together, where a new one would drown: it has a test of its own.
    new = names.index(rest)
    p_new = more_often(now[new], before[new], now.sum(), before.sum())
    largest = [place for place in np.argsort(-(now + before), kind="stable")[:SHOWN] if now[place] + before[place]]
    return Shift(
        column=column,
        detector="chi-square and exact test of new categories",
        p=min(1.0, 2 * min(chi_square(now, before), p_new)),  # two tests, one answer (Bonferroni)
        effect=psi(*_without_empty(now, before)),
        figures={
            "categories": [names[place] for place in largest],
            "then": [float(before[place] / before.sum()) for place in largest],
            "now": [float(now[place] / max(now.sum(), 1)) for place in largest],
            "new": dict(Counter(unknown).most_common(SHOWN)),
        },
    )


def _without_empty(now: Array, then: Array) -> tuple[Array, Array]:
    held = (now + then) > 0
    return now[held], then[held]
