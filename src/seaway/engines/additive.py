"""The form of a linear model over the encoded matrix: a sum of one contribution per feature.

Notation: F features, T targets. A number contributes `(x - center) / scale * weight`, a missing one
`(fill - center) / scale * weight + missing`; a category contributes its row of a table. One-hot encoding is such a
table, so it costs one look-up whatever the number of categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import CODE_FIRST, CODE_OTHER
from seaway.core.errors import InexactExport


@dataclass(frozen=True, kw_only=True, eq=False)
class Additive:
    """margin (rows, T) = intercept (T,) + the contributions of numbers and of category codes.

    `numbers` (n,) and `codes` (c,) are the features of each kind; center, scale and fill (n,); weight and missing (n, T).
    `table[starts[j]:starts[j + 1]]` (codes of feature j, T) starts with the rows of CODE_MISSING and CODE_OTHER; a code
    the table has no row for counts as other. `mean` (F, T) is the mean contribution over the training rows, from which
    explanations are measured.
    """

    features: int
    intercept: Array
    numbers: Array
    center: Array
    scale: Array
    fill: Array
    weight: Array
    missing: Array
    codes: Array
    starts: Array
    table: Array
    mean: Array

    def __post_init__(self) -> None:
        _check(self)

    @property
    def targets(self) -> int:
        """Number of targets."""
        return len(self.intercept)


def constant(margin: Sequence[float] | Array, features: int) -> Additive:
    """Return the model that answers the same margin (T,) to every row."""
    intercept = np.asarray(margin, dtype=np.float64)
    none, whole = np.zeros(0), np.zeros(0, dtype=np.int64)
    empty = np.zeros((0, len(intercept)))
    return Additive(
        features=features,
        intercept=intercept,
        numbers=whole,
        center=none,
        scale=none,
        fill=none,
        weight=empty,
        missing=empty,
        codes=whole,
        starts=np.zeros(1, dtype=np.int64),
        table=empty,
        mean=np.zeros((features, len(intercept))),
    )


def with_mean(additive: Additive, x: Array) -> Additive:
    """Return the model with `mean` measured over the training rows x."""
    return replace(additive, mean=contributions(additive, x).mean(axis=0))


def predict(additive: Additive, x: Array) -> Array:
    """Return the margins (rows, targets) float64 of x (rows, features) float32."""
    z, absent = _standardised(additive, x)
    margin = additive.intercept + z @ additive.weight + absent @ additive.missing
    if len(additive.codes):
        margin = margin + additive.table[_places(additive, x)].sum(axis=1)
    return np.asarray(margin)


def contributions(additive: Additive, x: Array) -> Array:
    """Return what each feature adds to the margins: (rows, features, targets)."""
    z, absent = _standardised(additive, x)
    parts = np.zeros((len(x), additive.features, additive.targets))
    parts[:, additive.numbers] = z[:, :, None] * additive.weight + absent[:, :, None] * additive.missing
    if len(additive.codes):
        parts[:, additive.codes] = additive.table[_places(additive, x)]
    return parts


def _standardised(additive: Additive, x: Array) -> tuple[Array, Array]:
    values = x[:, additive.numbers].astype(np.float64)
    absent = np.isnan(values)
    filled = np.where(absent, additive.fill, values)
    return (filled - additive.center) / additive.scale, absent.astype(np.float64)


def _places(additive: Additive, x: Array) -> Array:
    """Return the table row (rows, codes) of each category."""
    codes = x[:, additive.codes]
    known = (codes >= 0) & (codes < np.diff(additive.starts))
    return np.where(known, codes, CODE_OTHER).astype(np.int64) + additive.starts[:-1]


def _check(additive: Additive) -> None:
    n, c, t = len(additive.numbers), len(additive.codes), additive.targets
    shapes = {
        "center": (n,),
        "scale": (n,),
        "fill": (n,),
        "weight": (n, t),
        "missing": (n, t),
        "starts": (c + 1,),
        "mean": (additive.features, t),
    }
    wrong = [name for name, shape in shapes.items() if getattr(additive, name).shape != shape]
    used = np.concatenate([additive.numbers, additive.codes])
    sizes = np.diff(additive.starts)
    if wrong or additive.table.shape != (additive.starts[-1], t):
        what = f"{', '.join(wrong) or 'table'} has the wrong shape"
    elif not all(np.isfinite(getattr(additive, name)).all() for name in ("intercept", "table", *shapes)):
        what = "a coefficient is not a finite number"
    elif (additive.scale == 0).any():
        what = "a scale is zero"
    elif len(set(used.tolist())) < len(used) or (used < 0).any() or (used >= additive.features).any():
        what = "a feature is used twice or is not there"
    elif additive.starts[0] != 0 or (sizes < CODE_FIRST).any():
        what = "a category's table lacks the rows for missing and other"
    else:
        return
    raise InexactExport(
        f"The linear model is not well formed: {what}",
        where="engines.additive.Additive",
        fix="Check the coefficients handed over by the trainer (a diverged fit gives infinite ones).",
    )
