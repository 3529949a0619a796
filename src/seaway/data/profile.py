"""The reference a monitor compares with: how the training rows and the model's answers were distributed.

Small (quantile bins and shares), free of rows; categories of fewer than five rows are folded into "other".
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from seaway.core import canonical
from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.core.protocols import Rows
from seaway.data import comparable

BINS = 10
RARE = 5
"""Fewer rows than this could point at a person."""
MOST = 200
OTHER, MISSING = "other", "missing"


class Distribution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column or output: of numbers `edges` (bins are `<= edges[0]`, ..., `> edges[-1]`), else `categories`.

    `shares` are of the cells that hold something, in the order of the bins or categories (then "other"); `missing` is the
    share of all cells.
    """

    kind: str
    n: int
    missing: float = 0.0
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bins, for people."""
        if not self.edges:
            return (*self.categories, OTHER) if self.categories else ()
        inner = [f"{low:.6g} to {high:.6g}" for low, high in zip(self.edges, self.edges[1:], strict=False)]
        return (f"up to {self.edges[0]:.6g}", *inner, f"over {self.edges[-1]:.6g}")

    def counts(self, values: Array, missing: Array) -> Array:
        """Count other values (rows,) in the same bins (bins,); missing ones are left out."""
        given = values[~missing]
        if self.edges:
            places = np.searchsorted(np.asarray(self.edges), given.astype(np.float64), side="left")
            return np.bincount(places, minlength=len(self.edges) + 1)
        place = {category: at for at, category in enumerate(self.categories)}
        other = len(self.categories)
        codes = [place.get(_text(value), other) for value in given.tolist()]
        return np.bincount(np.asarray(codes, dtype=np.int64), minlength=other + 1)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Distributions by column and by output; an output of classes is one distribution per class, `name.class`."""

    rows: int
    columns: dict[str, Distribution]
    outputs: dict[str, Distribution]

    def encode(self) -> bytes:
        """Return profile.json."""
        return canonical.encode(self)


def decode(data: bytes) -> Profile:
    """Read profile.json of a verified bundle."""
    return canonical.decode(data, Profile, where="profile.json")


def profile(rows: Rows, contract: Contract, answers: Mapping[str, Array]) -> Profile:
    """Describe the features and the target of `rows`, and `answers` by output name, (n, ...) as `comparable.answers` has them.

    The target of series is described by its seasonal change: see `data.comparable`.
    """
    rows = comparable.rows(contract, rows)
    columns = {
        column.name: _of_column(column, *rows.column(column.name))
        for column in contract.columns
        if column.role in ("feature", "target") and column.encode != "none" and column.name in rows.names
    }
    return Profile(rows=len(rows), columns=columns, outputs=_of_outputs(contract, answers))


def _of_column(column: Column, values: Array, missing: Array) -> Distribution:
    if column.kind in ("number", "integer"):
        return numbers(values.astype(np.float64), missing)
    if column.kind == "time":
        return Distribution(kind="time", n=len(values), missing=_share(missing))
    # A rare class is no secret: the contract lists the classes.
    return words(values, missing, kind=column.kind, rare=0 if column.role == "target" else RARE)


def _of_outputs(contract: Contract, answers: Mapping[str, Array]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    for output in contract.outputs:
        values = answers.get(output.name)
        if values is None or output.kind == "document":
            continue
        if output.kind == "code":
            labels = np.asarray(output.labels, dtype=object)[values.astype(np.int64).ravel()]
            found[output.name] = words(labels, np.zeros(labels.shape, dtype=bool), kind="category", rare=0)
        elif output.axes and output.axes[-1] in ("class", "level"):
            flat = values.reshape(-1, values.shape[-1])
            for place, label in enumerate(output.labels):
                found[f"{output.name}.{label}"] = numbers(flat[:, place], np.isnan(flat[:, place]))
        else:
            found[output.name] = numbers(values.ravel(), np.isnan(values.ravel()))
    return found


def numbers(values: Array, missing: Array) -> Distribution:
    """Describe numbers by bins of about equal share; few distinct values get a bin each."""
    given = values[~missing]
    if len(given) == 0:
        return Distribution(kind="number", n=len(values), missing=1.0 if len(values) else 0.0)
    distinct = np.unique(given)
    if len(distinct) <= 2 * BINS:
        edges = distinct[:-1] if len(distinct) > 1 else distinct
    else:
        edges = np.unique(np.quantile(given, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    found = Distribution(kind="number", n=len(values), edges=tuple(map(float, edges)))
    low, high = np.quantile(given, [0.01, 0.99])
    return msgspec.structs.replace(
        found,
        missing=_share(missing),
        shares=_shares(found.counts(values, missing)),
        mean=float(given.mean()),
        std=float(given.std()),
        low=float(low),
        high=float(high),
    )


def words(values: Array, missing: Array, *, kind: str, rare: int = RARE) -> Distribution:
    """Describe categories by share, the most frequent first; rare ones and those after the 200th are "other"."""
    texts, counts = np.unique(
        np.array([_text(value) for value in values[~missing].tolist()], dtype=str), return_counts=True
    )
    order = np.lexsort((texts, -counts))[:MOST]
    kept = tuple(str(texts[at]) for at in order if counts[at] >= rare)
    found = Distribution(kind=kind, n=len(values), missing=_share(missing), categories=kept)
    return msgspec.structs.replace(found, shares=_shares(found.counts(values, missing)))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _share(missing: Array) -> float:
    return float(missing.mean()) if len(missing) else 0.0


def _shares(counts: Array) -> tuple[float, ...]:
    total = int(counts.sum())
    return tuple(float(count / total) for count in counts) if total else ()
