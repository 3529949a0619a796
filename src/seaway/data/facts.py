"""What a column as read shows at a glance: distinct texts, blanks among them, and how many are numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import polars as pl

BLANKS = frozenset(
    [
        "",
        "?",
        "NA",
        "N/A",
        "n/a",
        "na",
        "#N/A",
        "#NA",
        "NaN",
        "nan",
        "NAN",
        "null",
        "NULL",
        "Null",
        "<NA>",
        "#NULL!",
        "NaT",
    ]
)
"""Texts that mean "missing" in any column."""
BLANKS_AMONG_NUMBERS = BLANKS | {
    "-",
    "--",
    ".",
    "..",
    "None",
    "none",
    "NONE",
    "nil",
    "*",
    "unknown",
    "Unknown",
    "missing",
}
"""Texts that mean "missing" where all else are numbers or times; among words "none" may well be a category."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
CODE = re.compile(r"0\d+")


@dataclass(frozen=True)
class Facts:
    """A column as read; what is asked of it is worked out once."""

    series: pl.Series

    @property
    def name(self) -> str:
        """The column's name."""
        return self.series.name

    @property
    def rows(self) -> int:
        """Number of cells."""
        return len(self.series)

    @cached_property
    def is_text(self) -> bool:
        """Whether the column came as texts."""
        return self.series.dtype == pl.String

    @cached_property
    def counts(self) -> dict[str, int]:
        """Distinct texts, stripped, with how often each stands."""
        if not self.is_text:
            return {}
        found = self.series.drop_nulls().str.strip_chars().value_counts()
        return dict(zip(found[self.name].to_list(), found[found.columns[1]].to_list(), strict=True))

    @cached_property
    def padded(self) -> bool:
        """Whether texts stand with white space around them that are no blanks."""
        if not self.is_text:
            return False
        texts = self.series.drop_nulls()
        stripped = texts.str.strip_chars()
        return bool(((texts != stripped) & (stripped != "")).any())

    @cached_property
    def blanks(self) -> dict[str, int]:
        """Blank-like texts that stand here, in a column of words."""
        found = {text: count for text, count in self.counts.items() if text in BLANKS}
        if "NA" in found and self._codes_of_two():
            del found["NA"]  # Namibia, North America: among two-letter codes it is one of them
        return found

    @cached_property
    def wide_blanks(self) -> dict[str, int]:
        """Blank-like texts that stand here, in a column of numbers or times."""
        return {text: count for text, count in self.counts.items() if text in BLANKS_AMONG_NUMBERS}

    @cached_property
    def words(self) -> dict[str, int]:
        """Texts that are not blank in a column of words."""
        return {text: count for text, count in self.counts.items() if text not in self.blanks}

    @cached_property
    def solid(self) -> dict[str, int]:
        """Texts that are not blank in a column of numbers."""
        return {text: count for text, count in self.counts.items() if text not in self.wide_blanks}

    @property
    def example(self) -> str:
        """A value to show."""
        if self.is_text:
            return next(iter(self.solid), "")
        return str(next(iter(self.series.drop_nulls().head(1)), ""))

    def _codes_of_two(self) -> bool:
        pairs = [text for text in self.counts if len(text) == 2 and text.isalpha() and text.isupper()]
        return len(pairs) >= 5 and len(pairs) * 2 >= len(self.counts)


def facts_of(series: pl.Series) -> Facts:
    """Return the facts of a column."""
    return Facts(series)
