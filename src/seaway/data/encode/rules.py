"""A column's repairs and limits, worked out once per contract.

Repairs run in one fixed order whatever the order they are written in: trim, map, blank, then clip for numbers. A repaired
value repaired again stays what it is, so rows may pass through the encoder any number of times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seaway.core.contract import CODE_FIRST, Blank, Clip, Column, Map, Trim
from seaway.core.errors import BadInput

LARGEST = float(np.finfo(np.float32).max)
"""The matrix is float32: numbers beyond this have no place in it."""
EXACT = 2**53 - 1
"""Integers up to this size are told apart in float64; the next one already stands for two."""

Unseen = Literal["other", "missing", "error"]
Outside = Literal["flag", "missing", "error"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What happens to the values of one column. `low` and `high` clip; `range` is what is expected after that."""

    column: Column
    trim: bool
    mapping: Mapping[str, str]
    blank: frozenset[str]
    low: float
    high: float
    codes: Mapping[str, float]
    unseen: Unseen
    outside: Outside

    @staticmethod
    def of(column: Column) -> Rules:
        """Work out the rules of a column; raises `BadInput` where they contradict one another."""
        mapping: dict[str, str] = {}
        # An empty text holds nothing, whatever else means "missing" here: files have no other way to write a missing cell,
        # and a row must not get another answer for coming from a file.
        words: set[str] = {""}
        low, high, trim = -np.inf, np.inf, False
        for rule in column.clean:
            if isinstance(rule, Trim):
                trim = True
            elif isinstance(rule, Map):
                mapping |= rule.to
            elif isinstance(rule, Blank):
                words |= {word.strip() for word in rule.words}
            elif isinstance(rule, Clip):
                low = max(low, -np.inf if rule.low is None else rule.low)
                high = min(high, np.inf if rule.high is None else rule.high)
        if column.kind == "integer":  # a whole number held at 90.5 would be none any more
            low, high = np.ceil(low), np.floor(high)
        rules = Rules(
            column=column,
            trim=trim,
            mapping=mapping,
            blank=frozenset(words),
            low=float(low),
            high=float(high),
            codes={text: float(place + CODE_FIRST) for place, text in enumerate(column.categories)},
            unseen="error" if column.hard and column.categories else column.unseen,
            outside="error" if column.hard and column.range else column.outside,
        )
        rules._refuse_contradictions()
        return rules

    def text(self, value: str) -> str | None:
        """Return a text as repaired; None where it means "missing"."""
        if self.trim:
            value = value.strip()
        value = self.mapping.get(value, value)
        if value.strip() in self.blank:
            return None
        return value

    def expects(self, value: float) -> bool:
        """Say whether a number lies in the column's range."""
        limits = self.column.range
        return limits is None or limits[0] <= value <= limits[1]

    def _refuse_contradictions(self) -> None:
        where = f"contract, column {self.column.name!r}"
        if self.low > self.high:
            raise BadInput(
                f"Clipping holds {self.column.name!r} between {self.low:g} and {self.high:g}, which leaves nothing",
                where=where,
                fix="Write the lower limit as `low` and the higher one as `high`.",
                code="contract",
            )
        for key, target in self.mapping.items():
            repaired = self.text(target)
            if repaired not in (None, target):
                raise BadInput(
                    f"The map turns {key!r} into {target!r}, which the column's own rules turn into {repaired!r}",
                    where=where,
                    fix=f"Map {key!r} to {repaired!r} at once, so that repairing twice changes nothing.",
                    code="contract",
                )
        lost = [text for text in self.column.categories if self.text(text) != text]
        if lost:
            raise BadInput(
                f"The category {lost[0]!r} never comes out of the column's cleaning rules",
                where=where,
                fix="Remove the category, or the rule that changes it.",
                code="contract",
            )
