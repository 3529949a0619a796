"""A credit table of any size, written block by block: what the tests of large files read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from seaway.core.batch import Array

ROWS = 200_000
"""Rows made at once."""
PURPOSES = np.array(["car", "home", "study", "furniture", "business", "repairs", "holiday"])
REGIONS = np.array([f"region {number:02d}" for number in range(48)])
HOUSING = np.array(["rent", "own", "free"])
OCCUPATIONS = np.array(["skilled", "unskilled", "self-employed", "management", "none"])


def write(path: Path, size: int, *, seed: int = 0) -> int:
    """Write about `size` bytes of loans as CSV; return the number of rows. The target depends on the columns."""
    rows = block = 0
    with path.open("wb") as file:
        while file.tell() < size:
            text = frame(ROWS, seed=seed + block, first=rows).write_csv(include_header=not block).encode()
            left = size - file.tell()
            if len(text) > left:  # end after the first whole line beyond the size
                text = text[: text.find(b"\n", left - 1) + 1] or text
            file.write(text)
            rows += text.count(b"\n") - (not block)
            block += 1
    return rows


def frame(rows: int, *, seed: int = 0, first: int = 0) -> pl.DataFrame:
    """Make loans numbered from `first`; some incomes are missing, some words among the numbers mean nothing."""
    rng = np.random.default_rng([17, seed])
    amount = rng.lognormal(8, 0.7, rows).round(2)
    months = rng.integers(6, 61, rows)
    income = rng.lognormal(10.3, 0.5, rows).round(2)
    purpose = rng.integers(0, len(PURPOSES), rows)
    debt = rng.beta(2, 5, rows).round(4)
    late = rng.poisson(0.6, rows)
    margin = 0.8 * (np.log(amount) - 8) + 0.03 * (months - 33) - 0.7 * (np.log(income) - 10.3)
    margin += 0.5 * late + 2.0 * debt + 0.5 * (purpose == 2) - 1.6
    return pl.DataFrame(
        {
            "loan": [f"L{number:09d}" for number in range(first, first + rows)],
            "applied": _days(rng, rows),
            "amount": amount,
            "months": months,
            "purpose": PURPOSES[purpose],
            "region": REGIONS[rng.integers(0, len(REGIONS), rows)],
            "income": pl.Series(income).set(pl.Series(rng.random(rows) < 0.04), None),
            "age": rng.integers(18, 85, rows),
            "housing": HOUSING[rng.choice(3, rows, p=(0.5, 0.4, 0.1))],
            "occupation": OCCUPATIONS[rng.integers(0, len(OCCUPATIONS), rows)],
            "dependants": rng.poisson(0.8, rows),
            "debt_share": debt,
            "late_payments": late,
            "balance": rng.normal(1500, 2500, rows).round(2),
            "outcome": np.where(rng.random(rows) < 1 / (1 + np.exp(-margin)), "bad", "good"),
        }
    )


def _days(rng: np.random.Generator, rows: int) -> Array:
    days = np.datetime64("2019-01-01") + rng.integers(0, 2000, rows)
    return np.datetime_as_string(days, unit="D")
