"""Events joined into comparable rows: windows of what was asked and answered, and the cases whose truth is known.

A window holds the answers that callers saw (champion or canary) of one release, in order, until it has its number of cases; a
request is never cut, and windows never overlap. Rows and answers are read from the log when asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from seaway.core.batch import Array, Ids, Json, Query
from seaway.core.durable import disk
from seaway.core.errors import Malformed
from seaway.core.event import Prediction
from seaway.monitor import index, log, schema
from seaway.monitor.answered import Entry, Record, entries

NAME = "index.db"


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
    def entries(self) -> list[Entry]:
        """The answered cases, in order."""
        return [one for reply in self.replies for one in entries(reply) if not one.is_refused]

    @cached_property
    def predictions(self) -> list[Record]:
        """One prediction per answered case, as sent."""
        return [one.prediction for one in self.entries]

    @cached_property
    def rows(self) -> list[Record]:
        """The rows that were kept in the log, as accepted and masked."""
        return [row for one in self.entries for row in one.rows]

    @property
    def cases(self) -> int:
        """How many cases were answered."""
        return len(self.entries)

    @cached_property
    def took_ms(self) -> Array:
        """Milliseconds by request (requests,)."""
        return np.array([reply.took_us / 1000 for reply in self.replies], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One prediction that can be judged: a case, or of a case that was asked about several moments one of them.

    `asked` is the sequence of the request, `told` that of the newest label; `number` orders truths by when their first label
    came, and is shared by all predictions that one truth settles. `step` counts from 1 along a series and is 0 elsewhere, `at`
    is the moment it is about. `rows` are those of the whole case, empty where the log did not keep them.
    """

    request_id: str
    place: int
    release: str
    asked: int
    told: int
    number: int
    value: Json
    principal: str
    rows: tuple[Record, ...]
    prediction: Record
    step: int = 0
    at: str = ""
    ids: Ids = field(default_factory=dict)
    options: Record = field(default_factory=dict)

    @property
    def answer(self) -> tuple[str, int, str]:
        """What names the one answer that this and the case's other steps belong to."""
        return self.request_id, self.place, self.release

    @property
    def subject(self) -> str:
        """The one text that names what the case is about."""
        return index.subject(self.ids)

    @property
    def query(self) -> Query:
        """What a caller would send about the case."""
        return Query(rows=[dict(row) for row in self.rows], options=dict(self.options))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What came true of an id at a moment, as its newest label says; `first` is the sequence of its first label."""

    subject: str
    at: str
    value: Json
    told: int
    first: int


@dataclass(frozen=True, kw_only=True)
class Joins:
    """How labels found what they tell: `unknown` found nothing, `early` came by id before any prediction of that id (or about a moment
    that nobody asked about), `corrected` were replaced. A label counts once, however many predictions it settles.

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
            with disk("The event log cannot be read", self.folder):
                return index.refresh(self._index, self.folder, self.window)
        except sqlite3.OperationalError as error:
            raise schema.unavailable(error, self.folder) from None

    def answered(self, release: str, first: int, last: int) -> int:
        """Count the cases that a release answered between two sequences, both included, shadows too."""
        return self._value(
            "SELECT sum(cases) FROM reply WHERE release = ? AND sequence BETWEEN ? AND ?", (release, first, last)
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
        before = self._value("SELECT max(sequence) FROM reply WHERE release = ? AND window < ?", (release, number))
        last = self._value("SELECT max(sequence) FROM reply WHERE release = ? AND window <= ?", (release, number))
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
            "SELECT count(*) FROM reply WHERE release = ? AND sequence > ? AND arm = ?", (release, sequence, arm)
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
        """Count the truths about what `release` answered (any release without one), shadows included."""
        return self._value(_COUNTED.format(""), {**_ANY, "release": release})

    def labelled_after(self, sequence: int) -> int:
        """Count the truths that were told after a sequence about what was asked after it."""
        return self._value(_COUNTED.format("AND sequence > :asked"), {**_ANY, "asked": sequence})

    def answered_after(self, sequence: int) -> int:
        """Count the cases that callers were answered after a sequence."""
        return self._value(
            "SELECT sum(cases) FROM reply WHERE arm IN ('champion', 'canary') AND sequence > :asked",
            {"asked": sequence},
        )

    def labelled(
        self, release: str = "", *, newest: int = 0, skip: int = 0, count: int = 0, asked: int = 0, upto: int = 0
    ) -> list[Case]:
        """Return the cases whose truth is known, in the order in which their first label came.

        `release` asks for that release's own answers, shadows included; without it the answer that the caller saw is taken.
        `newest` takes the last so many truths; `skip` and `count` cut a piece of them. `asked` leaves out cases asked up to that
        sequence, `upto` labels of a higher sequence, so that what was known at a moment can be asked again.
        """
        found = self._index.execute(
            f"""WITH truth AS MATERIALIZED (
                    SELECT * FROM (
                        SELECT ask, place, name, moment, value, principal, sequence AS told, min(number) OVER each AS first,
                               row_number() OVER (each ORDER BY sequence DESC, number DESC) AS rank
                        FROM label WHERE ask IS NOT NULL AND sequence <= :upto
                        WINDOW each AS (PARTITION BY ask, place, name, moment)) AS truth
                    WHERE rank = 1 AND {_ABOUT} ORDER BY first {"DESC" if newest else ""} LIMIT :count OFFSET :skip)
                SELECT ask.request_id, about.place, reply.release, ask.sequence, about.told, about.first, about.value,
                       about.principal, about.at, about.step, reply.worker, reply.segment, reply.start
                FROM (SELECT truth.*, '' AS at, 0 AS step FROM truth WHERE truth.ask <> 0
                      UNION ALL
                      SELECT subject.ask, subject.place, truth.name, truth.moment, truth.value, truth.principal, truth.told,
                             truth.first, truth.rank, moment.at, step.step
                      FROM truth CROSS JOIN moment ON moment.number = truth.moment CROSS JOIN step ON step.moment = truth.moment
                      CROSS JOIN subject ON subject.id = truth.name AND subject.course = step.course WHERE truth.ask = 0) AS about
                JOIN ask ON ask.number = about.ask AND ask.sequence > :asked
                JOIN reply ON reply.ask = about.ask AND {_ANSWERS}
                ORDER BY about.first, ask.sequence, about.ask, about.place""",  # noqa: S608 - fixed words only
            {"release": release, "count": newest or count or -1, "skip": skip, "asked": asked, "upto": upto or NOW},
        )
        return list(self._cases(found))

    def _cases(self, found: sqlite3.Cursor) -> Iterator[Case]:
        read: dict[tuple[log.Key, int], list[Entry]] = {}
        for (
            request_id,
            place,
            release,
            asked,
            told,
            number,
            value,
            principal,
            at,
            step,
            worker,
            segment,
            start,
        ) in found:
            where = ((worker, segment), start)
            if where not in read:
                reply = self._record(*where)
                read[where] = entries(reply) if reply else []
            if place >= len(read[where]) or read[where][place].is_refused:
                continue
            entry = read[where][place]
            if step:  # the release may have answered about other moments than the first that answered the request
                moments = entry.prediction.get("at", ())
                if at not in moments:
                    continue
                step = moments.index(at) + 1
            yield Case(
                request_id=request_id,
                place=place,
                release=release,
                asked=asked,
                told=told,
                number=number,
                value=msgspec.json.decode(value),
                principal=principal,
                rows=entry.rows,
                prediction=entry.prediction,
                step=step,
                at=at,
                ids=entry.ids,
                options=entry.options,
            )

    def facts(self, upto: int = 0) -> list[Fact]:
        """Return what came true at moments, whatever was asked about them, as known up to a sequence (0 = now)."""
        found = self._index.execute(
            """SELECT name, moment.at, value, told, first FROM (
                   SELECT name, moment, value, sequence AS told, min(sequence) OVER each AS first,
                          row_number() OVER (each ORDER BY sequence DESC, number DESC) AS rank
                   FROM label WHERE ask = 0 AND sequence <= ? WINDOW each AS (PARTITION BY name, moment)) AS truth
               JOIN moment ON moment.number = truth.moment WHERE rank = 1 ORDER BY first""",
            (upto or NOW,),
        )
        return [
            Fact(subject=name, at=at, value=msgspec.json.decode(value), told=told, first=first)
            for name, at, value, told, first in found
        ]

    def replies(self, after: int = 0, upto: int = 0) -> Iterator[Prediction]:
        """Read what callers were answered between two sequences, the upper included (0 = now), in the order of the log."""
        places = self._index.execute(
            """SELECT worker, segment, start FROM reply WHERE arm IN ('champion', 'canary') AND sequence > ? AND sequence <= ?
               ORDER BY sequence""",
            (after, upto or NOW),
        ).fetchall()
        found = (self._record((worker, segment), start) for worker, segment, start in places)
        return (reply for reply in found if reply is not None)

    def unlabelled(self, *, asked: int = 0, upto: int = 0, newest: int = 0) -> list[Case]:
        """Return the cases that callers were answered, truth or none; `newest` bounds their number."""
        cases: list[Case] = []
        for reply in self.replies(asked, upto):
            cases += [
                Case(
                    request_id=reply.request_id,
                    place=place,
                    release=reply.release,
                    asked=reply.sequence,
                    told=reply.sequence,
                    number=len(cases) + place,
                    value=None,
                    principal="",
                    rows=entry.rows,
                    prediction=entry.prediction,
                    ids=entry.ids,
                    options=entry.options,
                )
                for place, entry in enumerate(entries(reply))
                if not entry.is_refused
            ]
        return cases[-newest:] if newest else cases

    def joins(self) -> Joins:
        """Count how labels found their cases."""
        labels = self._value("SELECT count(*) FROM label")
        joined = self._value("SELECT count(*) FROM label WHERE ask IS NOT NULL")
        cases = self.labelled_count()
        early = self._value(
            """SELECT count(*) FROM label WHERE ask IS NULL AND request_id = ''
               AND EXISTS (SELECT 1 FROM subject WHERE subject.id = label.id AND (subject.course = 0) = (label.at = ''))"""
        )
        return Joins(
            labels=labels,
            joined=joined,
            unknown=labels - joined - early,
            early=early,
            corrected=joined - cases,
            repeats=self._value("SELECT coalesce(max(value), 0) FROM fact WHERE name = 'repeats'"),
        )

    def _value(self, query: str, arguments: Sequence[object] | Mapping[str, object] = ()) -> int:
        return int(self._index.execute(query, arguments).fetchone()[0] or 0)


NOW = 2**62
"""A sequence after every one that a clock makes."""

_ANY = {"release": "", "asked": 0}
_ANSWERS = "(reply.release = :release OR :release = '' AND reply.arm IN ('champion', 'canary'))"
_ABOUT = f"""CASE truth.ask
    WHEN 0 THEN EXISTS (
        SELECT 1 FROM step CROSS JOIN subject ON subject.course = step.course JOIN reply ON reply.ask = subject.ask AND {_ANSWERS}
        WHERE step.moment = truth.moment AND subject.id = truth.name AND subject.sequence > :asked)
    ELSE EXISTS (
        SELECT 1 FROM ask JOIN reply ON reply.ask = ask.number AND {_ANSWERS}
        WHERE ask.number = truth.ask AND ask.sequence > :asked) END"""  # noqa: S608 - fixed words only
"""Whether a release answered about a truth, asked after a sequence."""
_COUNTED = f"""SELECT count(*) FROM (SELECT DISTINCT ask, place, name, moment FROM label WHERE ask IS NOT NULL {{}}) AS truth
    WHERE {_ABOUT}"""  # noqa: S608 - fixed words only
