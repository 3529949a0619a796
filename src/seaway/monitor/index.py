"""Takes in what the event log gained: every request once, every answer at its place, every label at its case."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from seaway.core import canonical
from seaway.core.event import Label, Prediction
from seaway.monitor import log
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
    first = _highest(connection)
    # Workers write side by side: their sequences give one order, in which windows are numbered.
    for found in sorted(reading.events, key=lambda found: found.event.sequence):
        if isinstance(found.event, Label):
            _label(connection, found.event)
        elif found.event.arm == "refused" or found.event.status >= 400:
            _refusal(connection, found, found.event)
        else:
            _reply(connection, found, found.event, window)
    _join(connection, first)
    connection.executemany(
        "INSERT INTO segment VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET offset = excluded.offset, damage = excluded.damage",
        [(*key, offset, reading.damage.get(key, "")) for key, offset in reading.offsets.items()],
    )


def _highest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM ask").fetchone()[0])


def _reply(connection: sqlite3.Connection, found: Found, event: Prediction, window: int) -> None:
    ask, cases = _ask(connection, event)
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


def _ask(connection: sqlite3.Connection, event: Prediction) -> tuple[int, int]:
    """Return the request's number and its cases; a repeat under the caller's own id is the same request."""
    identity = f"{event.principal}\0{event.client_id}" if event.client_id else None
    known = connection.execute(
        "SELECT number, cases FROM ask WHERE request_id = ? OR identity = ?", (event.request_id, identity)
    ).fetchone()
    if known:
        return int(known[0]), int(known[1])
    cases = len(msgspec.json.decode(event.answers, type=list[msgspec.Raw]))
    number = connection.execute(
        "INSERT INTO ask (identity, request_id, client, sequence, cases) VALUES (?, ?, ?, ?, ?)",
        (identity, event.request_id, event.client_id, event.sequence, cases),
    ).lastrowid
    assert number is not None  # an INSERT that did not raise has a row
    connection.executemany(
        "INSERT OR IGNORE INTO subject VALUES (?, ?, ?, ?, ?)",
        [
            (subject(ids), ids.get("at", ""), event.sequence, number, place)
            for place, ids in enumerate(event.ids)
            if ids
        ],
    )
    return number, cases


def subject(ids: Mapping[str, str]) -> str:
    """Return the one text that names a case: the id's own value, or the canonical JSON of several ids."""
    named = {name: value for name, value in ids.items() if name != "at"}
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
    """Give labels their cases. By request id and row; by id, the newest case of that id asked before the label was given.

    A label by id that came before any prediction of that id stays without one: it is about something never asked here.
    """
    connection.execute(
        """UPDATE label SET place = row, ask =
               (SELECT number FROM ask WHERE request_id = label.request_id AND label.row BETWEEN 0 AND cases - 1)
           WHERE ask IS NULL AND request_id <> ''"""
    )
    connection.execute(
        """UPDATE label SET place = row, ask =
               (SELECT number FROM ask WHERE client <> '' AND client = label.request_id AND label.row BETWEEN 0 AND cases - 1)
           WHERE ask IS NULL AND request_id <> ''"""
    )
    # An answer of another worker may be read after the label that follows it: such labels are joined again.
    connection.execute(
        """UPDATE label SET ask = NULL, place = NULL WHERE number IN (
               SELECT later.number FROM subject JOIN label AS later
               ON later.id = subject.id AND later.at = subject.at AND later.sequence > subject.sequence
               WHERE subject.ask > ? AND later.id <> '' AND later.request_id = '')""",
        (first,),
    )
    connection.execute(
        """UPDATE label SET (ask, place) =
               (SELECT ask, place FROM subject WHERE subject.id = label.id AND subject.at = label.at
                AND subject.sequence < label.sequence ORDER BY subject.sequence DESC, subject.ask DESC, subject.place DESC LIMIT 1)
           WHERE ask IS NULL AND id <> '' AND request_id = ''"""
    )
