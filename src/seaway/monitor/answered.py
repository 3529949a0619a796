"""One logged request as its cases: the rows that each case is made of, and the prediction it got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from seaway.core.batch import Ids, Json, Query
from seaway.core.event import Prediction

Record = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One case of a logged request; `rows` is empty where the log did not keep them, `ids` as the log names the case.

    Entries of one request share their options, and no row belongs to two of them.
    """

    rows: tuple[Record, ...]
    prediction: Record
    ids: Ids
    options: Record

    @property
    def is_refused(self) -> bool:
        """Say whether the case got an error where others of its request got an answer."""
        return "error" in self.prediction

    @property
    def query(self) -> Query:
        """What a caller would send about this case alone."""
        return Query(rows=[dict(row) for row in self.rows], options=dict(self.options))


def entries(reply: Prediction) -> list[Entry]:
    """Return the cases of a request in the order of their predictions.

    Of a request answered in part, rows are the accepted ones, and predictions hold an error for each other case.
    """
    predictions: list[Record] = msgspec.json.decode(reply.answers)
    options: Record = msgspec.json.decode(reply.options) if reply.options else {}
    ids = reply.ids if len(reply.ids) == len(predictions) else ({},) * len(predictions)
    rows: list[Record] = msgspec.json.decode(reply.rows) if reply.rows else []
    names = list(next((one for one in ids if one), {}))
    held = iter(_cut(rows, names, sum("error" not in one for one in predictions)))
    return [
        Entry(
            rows=() if "error" in prediction else next(held, ()),
            prediction=prediction,
            ids=named,
            options=options,
        )
        for prediction, named in zip(predictions, ids, strict=True)
    ]


def _cut(rows: Sequence[Record], names: Sequence[str], answered: int) -> list[tuple[Record, ...]]:
    """Cut rows into cases: a row each where there are as many, else by id in the order in which the ids first appear."""
    if len(rows) == answered:
        return [(row,) for row in rows]
    series: dict[tuple[Json, ...], list[Record]] = {}
    for row in rows:
        series.setdefault(tuple(str(row.get(name)) for name in names), []).append(row)
    return [tuple(held) for held in series.values()] if len(series) == answered else []
