"""The moments that cases are asked about, each course of them held once: the cases of a request, and of many series, share theirs."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

import msgspec

from seaway.core.batch import Ids, Json

NONE = 0
"""The course of a case that is about no moment."""

STEP_0, STEP_1 = 0, 1
"""What the first moment counts as: a table's answer has no steps, a series' answer counts them from 1."""


class _Asked(msgspec.Struct, frozen=True):
    at: Json = None


def moments(answers: bytes, ids: Sequence[Ids]) -> list[tuple[int, tuple[str, ...]]]:
    """Return, by case, what its first moment counts as and its moments: those of the answer, else the one given with the ids."""
    asked = msgspec.json.decode(answers, type=list[_Asked])
    given = [one.get("at", "") for one in ids] if len(ids) == len(asked) else [""] * len(asked)
    return [_of_case(one.at, at) for one, at in zip(asked, given, strict=True)]


def _of_case(answered: Json, given: str) -> tuple[int, tuple[str, ...]]:
    if isinstance(answered, list) and all(isinstance(at, str) for at in answered):
        return STEP_1, tuple(answered)
    return STEP_0, (given,) if given else ()


class Courses:
    """Numbers of courses while events are taken in: what this step has seen before is not looked up again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._courses: dict[tuple[int, tuple[str, ...]], int] = {}
        self._moments: dict[str, int] = {}

    def number(self, first: int, moments: tuple[str, ...]) -> int:
        """Return the number of a course, noted where it is new."""
        if not moments:
            return NONE
        key = first, moments
        if key not in self._courses:
            self._courses[key] = self._known(first, moments)
        return self._courses[key]

    def _known(self, first: int, moments: tuple[str, ...]) -> int:
        digest = hashlib.blake2b("\0".join((str(first), *moments)).encode(), digest_size=16).digest()
        known = self._connection.execute("SELECT number FROM course WHERE moments = ?", (digest,)).fetchone()
        if known:
            return int(known[0])
        numbers = [self._moment(at) for at in moments]
        number = self._connection.execute(
            "INSERT INTO course (moments, only) VALUES (?, ?)", (digest, numbers[0] if len(numbers) == 1 else None)
        ).lastrowid
        assert number is not None  # an INSERT that did not raise has a row
        self._connection.executemany(
            "INSERT OR IGNORE INTO step VALUES (?, ?, ?)",
            [(moment, number, step) for step, moment in enumerate(numbers, start=first)],
        )
        return number

    def _moment(self, at: str) -> int:
        if at not in self._moments:
            self._connection.execute("INSERT OR IGNORE INTO moment (at) VALUES (?)", (at,))
            found = self._connection.execute("SELECT number FROM moment WHERE at = ?", (at,)).fetchone()
            self._moments[at] = int(found[0])
        return self._moments[at]
