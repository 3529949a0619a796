"""What comes into a figure, made drawable: finite float64 numbers, with everything dropped counted and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seaway.report.text import count

Array = npt.NDArray[Any]
# Two numbers beyond this may lie further apart than float64 can say; they are drawn no more than infinity is.
TOO_LARGE = 1e300

Values = Sequence[float] | Sequence[float | None] | Array


@dataclass(frozen=True, kw_only=True)
class Drawable:
    """The finite numbers of a column, and how many were missing (NaN, None, NaT) or infinite. Times are seconds since 1970."""

    numbers: npt.NDArray[np.float64]
    missing: int
    infinite: int
    is_time: bool

    @property
    def total(self) -> int:
        """How many values came in."""
        return len(self.numbers) + self.missing + self.infinite


def numeric(values: Values) -> npt.NDArray[np.float64]:
    """The values as float64, one dimension; None and NaT are NaN, instants are seconds since 1970."""
    array = np.asarray(values).ravel()
    if array.dtype.kind == "M":
        seconds = array.astype("datetime64[us]").astype(np.int64) / 1e6
        return np.where(np.isnat(array), np.nan, seconds)
    return array.astype(np.float64)


def can_be_drawn(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which numbers are finite and of a size an axis can hold."""
    return np.abs(numbers) < TOO_LARGE


def is_drawable(number: float | None) -> bool:
    """Whether a number is there, finite and of a size an axis can hold."""
    return number is not None and abs(number) < TOO_LARGE


def drawable(values: Values) -> Drawable:
    """The finite part of the values."""
    numbers = numeric(values)
    is_nan, is_finite = np.isnan(numbers), can_be_drawn(numbers)
    return Drawable(
        numbers=numbers[is_finite],
        missing=int(is_nan.sum()),
        infinite=int((~is_finite & ~is_nan).sum()),
        is_time=np.asarray(values).dtype.kind == "M",
    )


def finite_rows(*columns: Values) -> tuple[list[npt.NDArray[np.float64]], int]:
    """The rows on which every column is finite, and how many rows are not."""
    arrays = [numeric(column) for column in columns]
    if len({len(array) for array in arrays}) > 1:
        raise ValueError(
            f"the columns of a figure have {', '.join(str(len(array)) for array in arrays)} values; they must match row by row"
        )
    keep = np.logical_and.reduce([can_be_drawn(array) for array in arrays])
    return [array[keep] for array in arrays], int((~keep).sum())


def dropped_note(dropped: int) -> list[str]:
    """The line under a figure that says what it does not show."""
    return [f"{count(dropped, 'row')} without finite values not shown"] if dropped else []
