"""What a rollback restores."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.assignment import Assignment


def former(steps: Sequence[tuple[Assignment, int | None]]) -> Assignment | None:
    """Return the newest assignment from before the release being withdrawn came in, given every one with what it restored.

    Withdrawn is the canary where there is one, else the champion. An assignment that restored an earlier one stands where
    that one stood, so that a second rollback goes further back instead of forward again. None where there is nothing before.
    """
    if not steps:
        return None
    by_sequence = {assignment.sequence: (assignment, restores) for assignment, restores in steps}

    def origin(sequence: int) -> int:
        """Return where the content of an assignment was first made."""
        while (restores := by_sequence[sequence][1]) is not None:
            sequence = restores
        return sequence

    current = steps[-1][0]
    earlier: list[Assignment] = []
    before = origin(current.sequence) - 1
    while before in by_sequence:
        earlier.append(by_sequence[before][0])
        before = origin(before) - 1
    withdrawn = current.canary[0] if current.canary else current.champion
    return next((one for one in earlier if withdrawn not in one.digests), earlier[0] if earlier else None)
