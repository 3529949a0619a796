"""What of a row may stand in the log: its columns as their `log` and `personal` marks say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seaway.core import canonical
from seaway.core.batch import Json
from seaway.core.contract import Column


class Masks:
    """Masks rows for the log: `columns` are kept, personal ones and `log = "digest"` as digests.

    `names` are columns that tell cases apart: they are never left out, and a masked one is the digest of its text.
    """

    def __init__(self, columns: Sequence[Column], names: Sequence[Column] = ()) -> None:
        self._columns = columns
        self._names = names
        self._whole = {column.name for column in (*columns, *names) if column.log == "full" and not column.personal}

    def are_whole(self, names: Iterable[str]) -> bool:
        """Say whether all these columns stand in the log as they came."""
        return self._whole.issuperset(names)

    def json(self, rows: Sequence[Mapping[str, Json]]) -> bytes:
        """Return the rows as a JSON array."""
        if all(self._whole.issuperset(row) for row in rows):
            return msgspec.json.encode(rows)
        return msgspec.json.encode([self._masked(row) for row in rows])

    def _masked(self, row: Mapping[str, Json]) -> dict[str, Json]:
        masked: dict[str, Json] = {}
        for column in self._names:
            value = row.get(column.name)
            if value is not None:
                masked[column.name] = value if column.name in self._whole else digest(str(value))
        for column in self._columns:
            if column.name not in row or column.log == "none":
                continue
            value = row[column.name]
            hidden = value is not None and column.name not in self._whole
            masked[column.name] = digest(value) if hidden else value
        return masked


def digest(value: Json) -> str:
    """Return the 16 hexadecimal digits that stand for a value."""
    return canonical.digest(canonical.encode(value))[:16]
