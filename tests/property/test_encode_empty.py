"""An empty cell of a file and a missing one of JSON are one thing, whatever words the contract lists."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import CODE_MISSING, Blank, Column, Contract, Kind
from seaway.data.encode.table import TableEncoder
from seaway.data.rows import Table
from seaway.data.validate import validate


@pytest.mark.parametrize("kind", ["category", "number", "integer"])
@pytest.mark.parametrize("words", [(), ("?",)])
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_is_missing_by_row_and_by_column(kind: Kind, words: tuple[str, ...], text: str) -> None:
    clean = (Blank(words=words),) if words else ()
    column = Column(name="c", kind=kind, categories=("a",) if kind == "category" else (), clean=clean)
    encoder = TableEncoder(Contract(task="tabular", per="row", columns=(column,)))
    missing = encoder.encode(encoder.request([{"c": None}])).x
    assert (missing == CODE_MISSING) if kind == "category" else np.isnan(missing)
    by_row = encoder.encode(encoder.request([{"c": text}]))
    held = validate(Table(pl.DataFrame({"c": [text]})), encoder.contract)
    assert held.count == 0
    by_column = encoder.batch(held.rows, held.flags)
    assert np.array_equal(by_row.x, missing, equal_nan=True)
    assert np.array_equal(by_column.x, missing, equal_nan=True)
    assert [flag.rule for flag in by_row.flags] == ["blank"]
