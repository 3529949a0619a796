"""Backtests cannot leak: what stands at or after an origin has no say in anything that a fold's models see."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch, Sample
from seaway.core.contract import Column, Contract
from seaway.core.dataset import Dataset
from seaway.core.settings import SplitSettings
from seaway.data.rows import Table
from seaway.data.split import split
from seaway.lab.exam import Exam, Fold, prepare
from seaway.tasks.forecast.task import Forecast

TASK = Forecast()


@st.composite
def panels(draw: st.DrawFn) -> tuple[Dataset, int]:
    """Draw daily series of any length and end, with gaps, unknown values and rows in any order; and a number of folds."""
    horizon, count = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    frames = []
    is_one_clock = draw(st.booleans())
    for series in range(draw(st.integers(1, 4))):
        length = int(generator.integers(25, 60)) + 3 * horizon
        end = 200 if is_one_clock else int(generator.integers(100, 200))
        kept = np.flatnonzero(
            (generator.random(length) > draw(st.sampled_from([0.0, 0.1]))) | (np.arange(length) == length - 1)
        )
        day = np.datetime64("2024-01-01", "ns") + (end - length + kept).astype("timedelta64[D]")
        value = np.where(generator.random(len(kept)) < 0.05, np.nan, generator.normal(100, 10, len(kept)))
        frames.append(
            pl.DataFrame(
                {
                    "shop": [f"s{series}"] * len(kept),
                    "day": day,
                    "sales": pl.Series(value, nan_to_null=True),
                    "promo": generator.random(len(kept)),
                    "visits": generator.random(len(kept)),
                }
            )
        )
    rows = Table(pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=draw(st.integers(0, 100))))
    contract = TASK.shape(_draft(), rows, {"horizon": horizon, "frequency": "1d", "season": 7, "ahead": ["promo"]})
    # Which values a column can have comes from all rows alike, so it is said here rather than measured.
    contract = msgspec.structs.replace(
        contract, columns=tuple(msgspec.structs.replace(column, range=None, shift=0.0) for column in contract.columns)
    )
    parts = split(rows, contract, SplitSettings(), 0)
    return Dataset(rows=rows, contract=contract, fingerprint="", split=parts), count


def _draft() -> Contract:
    return Contract(
        task="forecast",
        per="row",
        columns=(
            Column(name="shop", kind="category", role="id"),
            Column(name="day", kind="time", role="time"),
            Column(name="sales", kind="number", role="target"),
            Column(name="promo", kind="number"),
            Column(name="visits", kind="number"),
        ),
    )


def changed(data: Dataset, where: Array) -> Dataset:
    """Return the data with other values of the target and of what is not known ahead in the rows at `where`."""
    here = pl.Series(where)
    frame = data.rows.frame.with_columns(  # type: ignore[attr-defined]
        pl.when(here).then(pl.col("sales") * -7 + 1e6).otherwise(pl.col("sales")).alias("sales"),
        pl.when(here).then(pl.col("visits") + 50).otherwise(pl.col("visits")).alias("visits"),
    )
    return replace(data, rows=Table(frame))


def seen(fold: Fold) -> list[Array]:
    """Return everything of a fold that its models see before they are judged."""
    found = [*_batch(fold.asked.batch), fold.asked.case, *_optional(fold.asked.scale)]
    found += [*_batch(fold.train.batch), fold.train.case, *_optional(fold.train.truth), *_optional(fold.train.scale)]
    if fold.valid is not None:
        found += [*_batch(fold.valid.batch), *_optional(fold.valid.truth), *_optional(fold.valid.scale)]
    return found


def _batch(batch: Batch) -> list[Array]:
    return [batch.x, batch.starts, batch.seen, *batch.arrays.values(), *_optional(batch.time)]


def _optional(values: Array | None) -> list[Array]:
    return [] if values is None else [values]


def same(ours: list[Array], theirs: list[Array]) -> bool:
    """Say whether two lists of arrays are equal to the bit."""
    return len(ours) == len(theirs) and all(
        one.shape == other.shape and one.tobytes() == other.tobytes() for one, other in zip(ours, theirs, strict=True)
    )


def origins(data: Dataset, asked: Array) -> Array:
    """Say which rows stand at or after the first asked row of their own series (rows,); rows of the others never do."""
    frame = data.rows.frame  # type: ignore[attr-defined]
    is_asked = np.zeros(frame.height, dtype=bool)
    is_asked[asked] = True
    first = pl.col("day").filter(pl.col("asked")).min().over("shop")
    late = frame.with_columns(pl.Series("asked", is_asked)).select((pl.col("day") >= first).fill_null(value=False))
    return np.asarray(late.to_series().to_numpy())


@given(panel=panels())
@settings(max_examples=25)
def test_nothing_at_or_after_an_origin_is_seen_by_a_fold(panel: tuple[Dataset, int]) -> None:
    data, count = panel
    exam = prepare(data, TASK, data.split.train, count, 0)
    for place, (_, asked) in enumerate(TASK.folds(data, count, 0)):
        late = origins(data, asked)
        again = prepare(changed(data, late), TASK, data.split.train, count, 0)
        assert same(seen(exam.folds[place]), seen(again.folds[place]))
        before = prepare(changed(data, ~late), TASK, data.split.train, count, 0)
        assert not same(seen(exam.folds[place]), seen(before.folds[place])), "what stands before the origin is seen"
        assert _learns_from(exam.folds[place].asked, again.folds[place].asked), (
            "the change can be seen: it is in the truth"
        )


def _learns_from(ours: Sample, theirs: Sample) -> bool:
    """Say whether what is asked about has changed, wherever a truth was known at all."""
    assert ours.truth is not None
    assert theirs.truth is not None
    known = ~np.isnan(ours.truth)
    return not known.any() or bool((ours.truth[known] != theirs.truth[known]).all())


@given(panel=panels())
@settings(max_examples=25)
def test_what_stops_the_training_is_newer_than_what_teaches(panel: tuple[Dataset, int]) -> None:
    data, count = panel
    for fold in prepare(data, TASK, data.split.train, count, 0).folds:
        if fold.valid is None:
            continue
        for case, start, ahead in zip(
            fold.valid.case,
            fold.valid.batch.starts[:-1],
            fold.valid.batch.starts[:-1] + fold.valid.batch.seen,
            strict=True,
        ):
            taught = _moments(fold.train, int(case))
            assert fold.valid.batch.time is not None
            if len(taught):
                assert taught.max() < fold.valid.batch.time[ahead]
            assert start < ahead, "a series without a past is not asked about"


def _moments(sample: Sample, case: int) -> Array:
    places = np.flatnonzero(sample.case == case)
    assert sample.batch.time is not None
    return np.asarray(sample.batch.time[sample.batch.rows_of(places)])


@given(panel=panels())
@settings(max_examples=15)
def test_test_rows_have_no_say_in_any_fold(panel: tuple[Dataset, int]) -> None:
    data, count = panel
    late = np.zeros(len(data.rows), dtype=bool)
    late[data.split.test] = True
    ours = prepare(data, TASK, data.split.train, count, 0)
    theirs = prepare(changed(data, late), TASK, data.split.train, count, 0)
    assert _same_exam(ours, theirs)


def _same_exam(ours: Exam, theirs: Exam) -> bool:
    pairs = zip(ours.folds, theirs.folds, strict=True)
    return all(same(seen(one), seen(other)) for one, other in pairs) and same(
        _optional(ours.sheet.truth), _optional(theirs.sheet.truth)
    )
