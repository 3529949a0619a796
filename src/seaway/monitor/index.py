"""Takes in what the event log gained: every request once, every answer at its place, every label at its case."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from seaway.core import canonical
from seaway.core.event import Label, Prediction
from seaway.monitor import courses, log
from seaway.monitor.courses import Courses
from seaway.monitor.log import Found
from seaway.monitor.schema import transaction

SEEN_COLUMNS = 5
"""How many of the columns that a refusal names are kept."""


def refresh(connection: sqlite3.Connection, folder: Path, window: int) -> int:
    """Take in all that the log holds by now, a step at a time; `window` cases close a window. Returns the events read."""
    taken, more = 0, True
    while more:
        with transaction(connection):
            reading, more = log.read(folder, _offsets(connection))
            taken += len(reading.events)
            if reading.events or reading.damage:
                _take(connection, reading, window)
    return taken


def _offsets(connection: sqlite3.Connection) -> dict[log.Key, int]:
    return {
        (worker, number): offset
        for worker, number, offset in connection.execute("SELECT worker, number, offset FROM segment")
    }


def _take(connection: sqlite3.Connection, reading: log.Reading, window: int) -> None:
    first, seen = _highest(connection), Courses(connection)
    # Workers write side by side: their sequences give one order, in which windows are numbered.
    for found in sorted(reading.events, key=lambda found: found.event.sequence):
        if isinstance(found.event, Label):
            _label(connection, found.event)
        elif found.event.arm == "refused" or found.event.status >= 400:
            _refusal(connection, found, found.event)
        else:
            _reply(connection, found, found.event, window, seen)
    _join(connection, first)
    connection.executemany(
        "INSERT INTO segment VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET offset = excluded.offset, damage = excluded.damage",
        [(*key, offset, reading.damage.get(key, "")) for key, offset in reading.offsets.items()],
    )


def _highest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM ask").fetchone()[0])


def _reply(connection: sqlite3.Connection, found: Found, event: Prediction, window: int, seen: Courses) -> None:
    ask, cases = _ask(connection, event, seen)
    is_answer = event.arm in ("champion", "canary")
    place = _place(connection, event.release, window) if is_answer else None
    added = connection.execute(
        "INSERT OR IGNORE INTO reply VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (ask, event.release, event.arm, event.sequence, event.took_us, cases, place, *found.key, found.start),
    )
    if not added.rowcount:
        connection.execute("INSERT INTO fact VALUES ('repeats', 1) ON CONFLICT DO UPDATE SET value = value + 1")
    elif is_answer:
        connection.execute("UPDATE tally SET cases = cases + ? WHERE release = ?", (cases, event.release))


def _ask(connection: sqlite3.Connection, event: Prediction, seen: Courses) -> tuple[int, int]:
    """Return the request's number and its cases; a repeat under the caller's own id is the same request."""
    identity = f"{event.principal}\0{event.client_id}" if event.client_id else None
    known = connection.execute(
        "SELECT number, cases FROM ask WHERE request_id = ? OR identity = ?", (event.request_id, identity)
    ).fetchone()
    if known:
        return int(known[0]), int(known[1])
    about = [seen.number(*one) for one in courses.moments(event.answers, event.ids)]
    number = connection.execute(
        "INSERT INTO ask (identity, request_id, client, sequence, cases) VALUES (?, ?, ?, ?, ?)",
        (identity, event.request_id, event.client_id, event.sequence, len(about)),
    ).lastrowid
    assert number is not None  # an INSERT that did not raise has a row
    ids = event.ids or ({},) * len(about)
    connection.executemany(
        "INSERT OR IGNORE INTO subject VALUES (?, ?, ?, ?, ?)",
        [
            (subject(one), course, event.sequence, number, place)
            for place, (one, course) in enumerate(zip(ids, about, strict=False))
            if one or course
        ],
    )
    return number, len(about)


def subject(ids: Mapping[str, str]) -> str:
    """Return the one text that names a case: the id's own value, or the canonical JSON of several; of none the empty text."""
    named = {name: value for name, value in ids.items() if name != "at"}
    if not named:
        return ""
    return next(iter(named.values())) if len(named) == 1 else canonical.encode(named).decode()


def _place(connection: sqlite3.Connection, release: str, window: int) -> int:
    """Return the number of the window that the release's next answer falls into."""
    connection.execute("INSERT OR IGNORE INTO tally VALUES (?, 0, 0)", (release,))
    connection.execute(
        "UPDATE tally SET window = window + 1, cases = 0 WHERE release = ? AND cases >= ?", (release, window)
    )
    return int(connection.execute("SELECT window FROM tally WHERE release = ?", (release,)).fetchone()[0])


class _Told(msgspec.Struct, frozen=True):
    code: str = ""
    path: str = ""
    cells: Sequence[Mapping[str, object]] = ()


class _Refused(msgspec.Struct, frozen=True):
    error: _Told = _Told()


def _refusal(connection: sqlite3.Connection, found: Found, event: Prediction) -> None:
    try:
        told = msgspec.json.decode(event.answers, type=_Refused).error
    except msgspec.DecodeError:
        told = _Told()
    columns = dict.fromkeys(str(cell["column"]) for cell in told.cells if cell.get("column"))
    named = list(columns)[:SEEN_COLUMNS] or ([told.path] if told.path else [])
    connection.execute(
        "INSERT OR IGNORE INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.request_id or f"{found.key}{found.start}",
            event.release,
            event.arm,
            event.sequence,
            event.status,
            told.code,
            canonical.encode(named).decode(),
            event.took_us,
        ),
    )


def _label(connection: sqlite3.Connection, event: Label) -> None:
    value = canonical.encode(event.value).decode()
    connection.execute(
        "INSERT OR IGNORE INTO label (sequence, principal, request_id, row, id, at, value, known) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (event.sequence, event.principal, event.request_id, event.row, event.id, event.at, value, event.known),
    )


def _join(connection: sqlite3.Connection, first: int) -> None:
    """Give labels what they tell: a case, or the moment of an id.

    By request id and row the case, and of a case that is about moments the one that the label names; by id and moment what is
    said of them, whoever asked and when; by id alone the newest case of that id asked before the label was given. A label by id
    alone that came before any prediction of that id stays without one: it is about something never asked here.
    """
    for of_request in ("ask.request_id = label.request_id", "ask.client <> '' AND ask.client = label.request_id"):
        connection.execute(
            f"""UPDATE label SET ask = 0, place = 0, name = found.id, moment = found.moment FROM (
                   SELECT label.number, subject.id, step.moment FROM label JOIN ask ON {of_request}
                   JOIN subject ON subject.ask = ask.number AND subject.place = label.row
                   JOIN course ON course.number = subject.course
                   JOIN step ON step.course = course.number AND step.moment =
                       CASE label.at WHEN '' THEN course.only ELSE (SELECT number FROM moment WHERE moment.at = label.at) END
                   WHERE label.ask IS NULL AND label.request_id <> '') AS found
               WHERE label.number = found.number"""  # noqa: S608 - fixed words only
        )
        connection.execute(
            f"""UPDATE label SET place = row, ask =
                   (SELECT number FROM ask WHERE {of_request} AND label.row BETWEEN 0 AND cases - 1 AND NOT EXISTS (
                       SELECT 1 FROM subject WHERE subject.ask = number AND subject.place = label.row AND course <> 0))
               WHERE ask IS NULL AND request_id <> ''"""  # noqa: S608 - fixed words only
        )
    connection.execute(
        """UPDATE label SET ask = 0, place = 0, name = label.id, moment = found.number FROM moment AS found
           WHERE label.ask IS NULL AND label.request_id = '' AND label.at <> '' AND found.at = label.at AND EXISTS (
               SELECT 1 FROM step CROSS JOIN subject ON subject.course = step.course
               WHERE step.moment = found.number AND subject.id = label.id)"""
    )
    # An answer of another worker may be read after the label that follows it: such labels are joined again.
    connection.execute(
        """UPDATE label SET ask = NULL, place = NULL WHERE number IN (
               SELECT later.number FROM subject JOIN label AS later ON later.id = subject.id AND later.sequence > subject.sequence
               WHERE subject.ask > ? AND subject.course = 0 AND later.at = '' AND later.request_id = '')""",
        (first,),
    )
    connection.execute(
        """UPDATE label SET (ask, place) =
               (SELECT ask, place FROM subject WHERE subject.id = label.id AND subject.course = 0
                AND subject.sequence < label.sequence ORDER BY subject.sequence DESC, subject.ask DESC, subject.place DESC LIMIT 1)
           WHERE ask IS NULL AND request_id = '' AND at = '' AND id <> ''"""
    )
