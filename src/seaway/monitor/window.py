"""Events joined into comparable rows: windows of what was asked and answered, and the cases whose truth is known.

A window holds the answers that callers saw (champion or canary) of one release, in order, until it has its number of cases; a
request is never cut, and windows never overlap. Rows and answers are read from the log when asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.errors import Malformed
from seaway.core.event import Prediction
from seaway.monitor import index, log, schema

NAME = "index.db"

Record = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request that got an error instead of an answer; `columns` are those the error named."""

    sequence: int
    release: str
    arm: str
    status: int
    code: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """What one release answered between two sequences (microseconds since 1970), and what was refused meanwhile."""

    release: str
    number: int = -1
    is_full: bool = False
    first: int = 0
    last: int = 0
    replies: tuple[Prediction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unreadable: int = 0

    @cached_property
    def predictions(self) -> list[Record]:
        """One prediction per answered case, as sent."""
        return [prediction for _, prediction in self._cases]

    @cached_property
    def rows(self) -> list[Record]:
        """The rows that were kept in the log, as accepted and masked."""
        return [row for row, _ in self._cases if row is not None]

    @property
    def cases(self) -> int:
        """How many cases were answered."""
        return len(self._cases)

    @cached_property
    def took_ms(self) -> Array:
        """Milliseconds by request (requests,)."""
        return np.array([reply.took_us / 1000 for reply in self.replies], dtype=np.float64)

    @cached_property
    def _cases(self) -> list[tuple[Record | None, Record]]:
        return [case for reply in self.replies for case in answered(reply) if "error" not in case[1]]


def answered(reply: Prediction) -> list[tuple[Record | None, Record]]:
    """Return (row, prediction) by case; the row is None where the log did not keep it.

    Of a request answered in part, rows are the accepted ones, and predictions hold an error for each other one.
    """
    predictions: list[Record] = msgspec.json.decode(reply.answers)
    rows: list[Record] = msgspec.json.decode(reply.rows) if reply.rows else []
    if len(rows) == len(predictions):
        return list(zip(rows, predictions, strict=True))
    accepted = iter(rows if len(rows) == sum("error" not in prediction for prediction in predictions) else ())
    return [(None if "error" in prediction else next(accepted, None), prediction) for prediction in predictions]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case whose truth is known. `asked` is the sequence of the request, `told` that of its newest label.

    `row` is None where the log did not keep it; `number` orders cases by when their first label came.
    """

    request_id: str
    place: int
    release: str
    asked: int
    told: int
    number: int
    value: Json
    principal: str
    row: Record | None
    prediction: Record


@dataclass(frozen=True, kw_only=True)
class Joins:
    """How labels found their cases: `unknown` found none, `early` came by id before any prediction of that id, `corrected` were replaced.

    `repeats` counts answers that stand in the log more than once.
    """

    labels: int
    joined: int
    unknown: int
    early: int
    corrected: int
    repeats: int


class Windows:
    """The comparable rows of one model. Used by one thread; several processes may look at the same time."""

    def __init__(self, log_folder: Path, model: str, *, state: Path, window: int = 1000) -> None:
        self.folder = log_folder / model
        self.window = window
        self._index = schema.connect(state / model / NAME)

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()

    def __enter__(self) -> Windows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> int:
        """Take in what the log gained; returns the number of events read."""
        try:
            return index.refresh(self._index, self.folder, self.window)
        except sqlite3.OperationalError as error:
            raise schema.unavailable(error, self.folder) from None

    def answered(self, release: str, first: int, last: int) -> int:
        """Count the cases that a release answered between two sequences, both included, shadows too."""
        return self._value(
            "SELECT sum(cases) FROM reply WHERE release = ? AND sequence BETWEEN ? AND ?", release, first, last
        )

    def newest_sequence(self) -> int:
        """Return the highest sequence of an answer so far, 0 without any."""
        return self._value("SELECT max(sequence) FROM ask")

    def damage(self) -> dict[str, str]:
        """Return what is wrong with segments that cannot be read, by name."""
        found = self._index.execute("SELECT worker, number, damage FROM segment WHERE damage <> ''")
        return {f"{worker:05d}-{number:010d}": damage for worker, number, damage in found}

    # ------------------------------------------------------------------------------------------------ windows
    def releases(self) -> dict[str, int]:
        """Return how many windows each release has filled."""
        found = self._index.execute("SELECT release, window + (cases >= ?) FROM tally", (self.window,))
        return {release: int(full) for release, full in found}

    def read(self, release: str, number: int) -> Window:
        """Read window `number` of a release, full or still filling."""
        before = self._value("SELECT max(sequence) FROM reply WHERE release = ? AND window < ?", release, number)
        last = self._value("SELECT max(sequence) FROM reply WHERE release = ? AND window <= ?", release, number)
        is_full = number < self.releases().get(release, 0)
        places = self._index.execute(
            "SELECT worker, segment, start FROM reply WHERE release = ? AND window = ?", (release, number)
        ).fetchall()
        return self._window(release, number, is_full, before + 1, last if is_full else NOW, places)

    def newest(self, cases: int, release: str) -> Window:
        """Read the newest requests of a release that callers saw, until they hold `cases` cases."""
        return self.since(0, release, cases=cases)

    def since(
        self, sequence: int, release: str, *, arms: Sequence[str] = ("champion", "canary"), cases: int = 0
    ) -> Window:
        """Read what a release answered after `sequence` (microseconds since 1970), the newest `cases` cases at most (0 = all)."""
        found = self._index.execute(
            "SELECT worker, segment, start, cases, arm, sequence FROM reply WHERE release = ? AND sequence > ? ORDER BY sequence DESC",
            (release, sequence),
        )
        places, held, first = [], 0, NOW
        for worker, number, start, size, arm, at in found:
            if arm not in arms:
                continue
            places.append((worker, number, start))
            held, first = held + size, at
            if cases and held >= cases:
                break
        return self._window(release, -1, False, first if cases else sequence + 1, NOW, places)

    def count(self, sequence: int, release: str, arm: str) -> int:
        """Count the requests that a release answered in an arm after a sequence."""
        return self._value(
            "SELECT count(*) FROM reply WHERE release = ? AND sequence > ? AND arm = ?", release, sequence, arm
        )

    def refusals(self, first: int, last: int, release: str = "", *, limit: int = 10_000) -> tuple[Refusal, ...]:
        """Return the requests refused between two sequences, both included, the newest `limit` at most; of all releases without one."""
        found = self._index.execute(
            """SELECT sequence, release, arm, status, code, columns FROM refusal
               WHERE sequence BETWEEN ? AND ? AND (? IN ('', release) OR release = '') ORDER BY sequence DESC LIMIT ?""",
            (first, last, release, limit),
        )
        return tuple(
            Refusal(
                sequence=at, release=by, arm=arm, status=status, code=code, columns=tuple(msgspec.json.decode(columns))
            )
            for at, by, arm, status, code, columns in found
        )

    def _window(
        self, release: str, number: int, is_full: bool, first: int, last: int, places: Sequence[tuple[int, int, int]]
    ) -> Window:
        replies, unreadable = [], 0
        for worker, segment, start in places:
            reply = self._record((worker, segment), start)
            if reply is None:
                unreadable += 1
            else:
                replies.append(reply)
        replies.sort(key=lambda reply: reply.sequence)
        return Window(
            release=release,
            number=number,
            is_full=is_full,
            first=first,
            last=min(last, NOW),
            replies=tuple(replies),
            refusals=self.refusals(first, last, release),
            unreadable=unreadable,
        )

    def _record(self, key: log.Key, start: int) -> Prediction | None:
        """Read one answer back; None where its segment is gone or damaged since, which `damage` and `unreadable` tell."""
        try:
            event = log.record(self.folder, key, start)
        except (Malformed, msgspec.DecodeError):
            return None
        return event if isinstance(event, Prediction) else None

    # -------------------------------------------------------------------------------------------------- truth
    def labelled_count(self, release: str = "") -> int:
        """Count the cases with a known truth that `release` answered (any release without one), shadows included."""
        if release:
            return self._value(
                """SELECT count(DISTINCT label.ask << 20 | label.place) FROM label JOIN reply ON reply.ask = label.ask
                   WHERE reply.release = ?""",
                release,
            )
        return self._value("SELECT count(*) FROM (SELECT DISTINCT ask, place FROM label WHERE ask IS NOT NULL)")

    def labelled_after(self, sequence: int) -> int:
        """Count the cases with a known truth that were asked after a sequence."""
        return self._value(
            """SELECT count(DISTINCT label.ask << 20 | label.place) FROM label JOIN ask ON ask.number = label.ask
               WHERE ask.sequence > ?""",
            sequence,
        )

    def labelled(
        self, release: str = "", *, newest: int = 0, skip: int = 0, count: int = 0, asked: int = 0, upto: int = 0
    ) -> list[Case]:
        """Return cases with a known truth, in the order in which their first label came.

        `release` asks for that release's own answers, shadows included; without it the answer that the caller saw is taken.
        `newest` takes the last so many; `skip` and `count` cut a piece. `asked` leaves out cases asked up to that sequence, `upto`
        labels of a higher sequence, so that what was known at a moment can be asked again.
        """
        arms = "reply.release = :release" if release else "reply.arm IN ('champion', 'canary')"
        found = self._index.execute(
            f"""SELECT ask.request_id, truth.place, reply.release, ask.sequence, truth.told, truth.first, truth.value,
                       truth.principal, reply.worker, reply.segment, reply.start
                FROM (SELECT ask, place, value, principal, sequence AS told, min(number) OVER each AS first,
                             row_number() OVER (each ORDER BY sequence DESC, number DESC) AS rank
                      FROM label WHERE ask IS NOT NULL AND sequence <= :upto WINDOW each AS (PARTITION BY ask, place)) AS truth
                JOIN ask ON ask.number = truth.ask JOIN reply ON reply.ask = truth.ask AND {arms}
                WHERE truth.rank = 1 AND ask.sequence > :asked ORDER BY truth.first {"DESC" if newest else ""} LIMIT :count OFFSET :skip""",  # noqa: S608 - fixed words only
            {"release": release, "count": newest or count or -1, "skip": skip, "asked": asked, "upto": upto or NOW},
        ).fetchall()
        return self._cases(found[::-1] if newest else found)

    def _cases(self, found: Sequence[tuple[Any, ...]]) -> list[Case]:
        cases: list[Case] = []
        read: dict[tuple[log.Key, int], list[tuple[Record | None, Record]]] = {}
        for request_id, place, release, asked, told, number, value, principal, worker, segment, start in found:
            where = ((worker, segment), start)
            if where not in read:
                reply = self._record(*where)
                read[where] = answered(reply) if reply else []
            if place >= len(read[where]) or "error" in read[where][place][1]:
                continue
            row, prediction = read[where][place]
            cases.append(
                Case(
                    request_id=request_id,
                    place=place,
                    release=release,
                    asked=asked,
                    told=told,
                    number=number,
                    value=msgspec.json.decode(value),
                    principal=principal,
                    row=row,
                    prediction=prediction,
                )
            )
        return cases

    def joins(self) -> Joins:
        """Count how labels found their cases."""
        labels = self._value("SELECT count(*) FROM label")
        joined = self._value("SELECT count(*) FROM label WHERE ask IS NOT NULL")
        cases = self.labelled_count()
        early = self._value(
            """SELECT count(*) FROM label WHERE ask IS NULL AND id <> ''
               AND EXISTS (SELECT 1 FROM subject WHERE subject.id = label.id AND subject.at = label.at)"""
        )
        return Joins(
            labels=labels,
            joined=joined,
            unknown=labels - joined - early,
            early=early,
            corrected=joined - cases,
            repeats=self._value("SELECT coalesce(max(value), 0) FROM fact WHERE name = 'repeats'"),
        )

    def _value(self, query: str, *arguments: object) -> int:
        return int(self._index.execute(query, arguments).fetchone()[0] or 0)


NOW = 2**62
"""A sequence after every one that a clock makes."""
