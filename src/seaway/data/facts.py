"""What a column as read shows at a glance: distinct texts, blanks among them, and which are numbers."""

from __future__ import annotations

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

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
CODE = r"^0[0-9]+$"
DECIMAL = r"[.eE]"


@dataclass(frozen=True)
class Facts:
    """A column as read; what is asked of it is worked out once. Distinct texts are frames of `text` and `count`."""

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
    def distinct(self) -> pl.DataFrame:
        """Distinct texts, stripped, in the order they first stand."""
        texts = self.series.drop_nulls().str.strip_chars() if self.is_text else pl.Series([], dtype=pl.String)
        return pl.DataFrame({"text": texts}).group_by("text", maintain_order=True).agg(pl.len().alias("count"))

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
        found = self._among(BLANKS)
        if "NA" in found and self._codes_of_two():
            del found["NA"]  # Namibia, North America: among two-letter codes it is one of them
        return found

    @cached_property
    def wide_blanks(self) -> dict[str, int]:
        """Blank-like texts that stand here, in a column of numbers or times."""
        return self._among(BLANKS_AMONG_NUMBERS)

    @cached_property
    def words(self) -> pl.DataFrame:
        """Distinct texts that are not blank in a column of words."""
        return self.distinct.filter(~pl.col("text").is_in(list(self.blanks)))

    @cached_property
    def solid(self) -> pl.DataFrame:
        """Distinct texts that are not blank in a column of numbers."""
        return self.distinct.filter(~pl.col("text").is_in(list(self.wide_blanks)))

    @property
    def example(self) -> str:
        """A value to show."""
        shown = self.solid["text"] if self.is_text else self.series.drop_nulls()
        return str(shown[0]) if len(shown) else ""

    def _among(self, words: frozenset[str]) -> dict[str, int]:
        found = self.distinct.filter(pl.col("text").is_in(list(words)))
        return dict(zip(found["text"].to_list(), found["count"].to_list(), strict=True))

    def _codes_of_two(self) -> bool:
        pairs = self.distinct["text"].str.contains("^[A-Z]{2}$").sum()
        return pairs >= 5 and pairs * 2 >= self.distinct.height


def plain_numbers(texts: pl.Series, form: str) -> pl.Series:
    """Rewrite numbers written with thousands marks or a decimal comma as ones with a decimal point."""
    if form == "1.234,5":
        return texts.str.replace_all(".", "", literal=True).str.replace_all(",", ".", literal=True)
    if form == "1,234.5":
        return texts.str.replace_all(",", "", literal=True)
    return texts
