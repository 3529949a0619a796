"""What was judged, for good: one line per window and release, never judged twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from seaway.core.errors import Unavailable
from seaway.core.verdict import Verdict

NAME = "verdicts.ndjson"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on one window of a release (`kind` "window"), or on its labelled cases so far ("labels").

    `first` and `last` are sequences (microseconds since 1970); `measures` the figures of a timeline, `psi` the effect by column.
    """

    kind: Literal["window", "labels"]
    release: str
    number: int
    first: int
    last: int
    cases: int
    stamp: str
    verdicts: tuple[Verdict, ...]
    measures: dict[str, float] = {}
    psi: dict[str, float] = {}

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes it one judgement."""
        return self.kind, self.release, self.number


def read(folder: Path) -> list[Judgement]:
    """Return every judgement once, in the order made; a line that a crash cut short is judged again."""
    path = folder / NAME
    if not path.exists():
        return []
    found: dict[tuple[str, str, int], Judgement] = {}
    for line in path.read_bytes().split(b"\n"):
        try:
            judgement = msgspec.json.decode(line, type=Judgement)
        except msgspec.DecodeError:
            continue
        found.setdefault(judgement.key, judgement)
    return list(found.values())


def append(folder: Path, judgements: list[Judgement]) -> None:
    """Add judgements durably. Two processes that judge the same window write the same line twice, which `read` takes as one."""
    if not judgements:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The line break comes first too, so that a line cut short by a crash does not swallow the next one.
    data = b"".join(b"\n" + msgspec.json.encode(judgement) + b"\n" for judgement in judgements)
    handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        with os.fdopen(handle, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(
            f"The verdicts cannot be kept: {error.strerror}",
            where=str(folder / NAME),
            fix="Free space on the disk or correct the folder's rights, then look again: nothing is lost.",
        ) from None
