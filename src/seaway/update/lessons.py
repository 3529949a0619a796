"""What the log teaches: rows in the form of the source's, each with when it was asked about and when its truth was told.

Of a table it is the labelled cases, or where no truth is known all that were answered; of series the rows of their histories and the
actual values that labels brought, one row for each moment of each series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from seaway.core.batch import Array, Ids, Json
from seaway.core.contract import Contract
from seaway.data.encode.clock import Clock, time_of
from seaway.monitor.answered import Entry, Record, entries
from seaway.monitor.index import subject
from seaway.monitor.window import Case, Windows


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A row to learn from; `asked` is the sequence of the request it was asked in, `told` that of its newest label.

    A moment of a series (nanoseconds since 1970) was asked and told when its value was first seen, in a history or as a label.
    """

    asked: int
    told: int
    record: dict[str, Any]
    moment: int = 0


def gather(windows: Windows, contract: Contract, *, after: int = 0, upto: int = 0) -> list[Lesson]:
    """Return what is known up to a sequence (0 = now) of what was asked after another."""
    if contract.series is not None:
        return [one for one in _moments(windows, contract, upto) if one.asked > after]
    if contract.truth is None:
        return of_cases(windows.unlabelled(asked=after, upto=upto), contract)
    return of_cases(windows.labelled(asked=after, upto=upto), contract)


def of_cases(cases: Sequence[Case], contract: Contract) -> list[Lesson]:
    """Return the lesson of each case whose row the log kept."""
    return [
        Lesson(asked=case.asked, told=case.told, record=_record(case.rows[0], case.ids, contract, case.value))
        for case in cases
        if case.rows
    ]


def _record(row: Record, ids: Ids, contract: Contract, value: Json) -> dict[str, Any]:
    """Return a row with every column of the contract; what the log does not hold as it was sent is missing."""
    hidden = {column.name for column in contract.columns if column.log != "full" or column.personal}
    record = {
        column.name: ids.get(column.name) if column.name in hidden or column.role == "id" else row.get(column.name)
        for column in contract.columns
        if column.role not in ("target", "ignore")
    }
    return record | ({contract.target.name: value} if contract.target else {})


# ------------------------------------------------------------------------------------------------------------ series
@dataclass(kw_only=True)
class _Moment:
    """What is known of a series at a moment, and the sequence at which its value was first seen (0 = not yet)."""

    ids: Ids
    row: Record
    value: Json = None
    seen: int = 0


def _moments(windows: Windows, contract: Contract, upto: int) -> Iterator[Lesson]:
    """Yield every moment whose value is known, in the order in which it became so; a label counts more than a history's row."""
    clock, time = Clock(contract), time_of(contract).name
    target = contract.having("target")[0].name
    known: dict[tuple[str, int], _Moment] = {}
    read: dict[Json, tuple[int, bool] | None] = {}
    for reply in windows.replies(upto=upto):
        for entry in entries(reply):
            name = subject(entry.ids)
            for moment, row in _placed(entry, clock, time, read):
                held = known.setdefault((name, moment), _Moment(ids=entry.ids, row=row))
                value = row.get(target)
                if value is not None:
                    held.row, held.value, held.seen = row, value, held.seen or reply.sequence
    for fact in windows.facts(upto):
        place = clock.moment(fact.at)
        if place is not None:
            held = known.setdefault((fact.subject, place[0]), _Moment(ids=_ids(fact.subject, contract), row={}))
            held.value, held.seen = fact.value, min(held.seen or fact.first, fact.first)
    told = sorted((held.seen, name, moment) for (name, moment), held in known.items() if held.seen)
    texts = clock.texts(np.array([moment for _, _, moment in told], dtype=np.int64))
    for (seen, name, moment), text in zip(told, texts, strict=True):
        held = known[name, moment]
        record = _record(held.row, held.ids, contract, held.value) | {time: text}
        yield Lesson(asked=seen, told=seen, record=record, moment=moment)


def _placed(
    entry: Entry, clock: Clock, time: str, read: dict[Json, tuple[int, bool] | None]
) -> Iterator[tuple[int, Record]]:
    """Yield the rows of a case with their instants; rows that stand nowhere, as their time is masked, are left out."""
    texts = [row.get(time) for row in entry.rows]
    for text in texts:
        if text not in read:
            read[text] = clock.moment(text) if isinstance(text, str) else None
    held = [(read[text], row) for text, row in zip(texts, entry.rows, strict=True)]
    placed = [(place, row) for place, row in held if place is not None]
    if not placed:
        return
    moments = np.array([place[0] for place, _ in placed], dtype=np.int64)
    instants, never = clock.instants(
        moments, np.array([place[1] for place, _ in placed]), np.zeros(len(placed), dtype=np.int64)
    )
    for moment, (_, row), is_never in zip(instants.tolist(), placed, never.tolist(), strict=True):
        if not is_never:
            yield moment, row


def _ids(name: str, contract: Contract) -> Ids:
    """Return the ids that a subject's text stands for."""
    names = [column.name for column in contract.having("id")]
    if len(names) < 2:
        return dict.fromkeys(names, name)
    try:
        found: Mapping[str, str] = msgspec.json.decode(name, type=dict[str, str])
    except msgspec.DecodeError:  # a label under a contract that had one id
        return {}
    return found


def unlearnt(cases: Sequence[Case], contract: Contract, learnt: int) -> list[Case]:
    """Return the cases about moments after `learnt` (nanoseconds since 1970): nobody has learnt their truth."""
    if contract.series is None:
        return list(cases)
    clock = Clock(contract)
    found = {at: clock.moment(at) for at in {case.at for case in cases}}
    return [case for case in cases if (place := found[case.at]) is not None and place[0] > learnt]


def newest(times: Array) -> int:
    """Return the newest of times (rows,) datetime64, in nanoseconds since 1970; 0 without any."""
    known = times[~np.isnat(times)]
    return int(known.max().astype("datetime64[ns]").astype(np.int64)) if len(known) else 0
