"""What the registry hands out: a build's reservation, a release, an entry of the history."""

from __future__ import annotations

import msgspec

from seaway.core.verdict import Verdict


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What a build may call itself, fixed before it starts so that a repeated build gives the same bytes.

    `version` and `sequence` count by model, over builds and imports; `parent` is the champion of the moment, `created`
    RFC 3339.
    """

    model: str
    key: str
    version: int
    sequence: int
    parent: str
    created: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle registered under a model's name."""

    model: str
    digest: str
    version: int
    sequence: int
    parent: str
    created: str
    expires: str
    registered: str
    principal: str
    verdicts: tuple[Verdict, ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history: who did what (`kind`) to what (`subject`) when and why, on which evidence.

    `model` is None for what concerns the whole project; `sequence` is the assignment's that the entry is about.
    """

    number: int
    model: str | None
    at: str
    kind: str
    subject: str
    sequence: int | None
    principal: str
    reason: str
    evidence: tuple[Verdict, ...]
