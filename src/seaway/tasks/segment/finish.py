"""From scores, distances and ratios side by side to the answer; there is nothing to fit."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Program
from seaway.engines import clusters


class Assigned:
    """The segment with the greatest score, its distances, and its own outlier ratio."""

    name = "greatest score"

    def __init__(self, segments: int) -> None:
        self.segments = segments

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return segment, distances and outlier; the number of segments is told by the width of the margin."""
        return clusters.answers(raw["margin"])

    def export(self) -> Program:
        """Return the same step as a program."""
        from seaway.engines.clusters_graph import assignment_program

        return assignment_program(self.segments)


def fit(oof: Outcomes) -> Assigned:
    """Return the finish of margins as wide as these; without any it can be applied, and not be exported."""
    margin = oof.answer.get("margin")
    return Assigned(0 if margin is None else margin.shape[1] // 3)
