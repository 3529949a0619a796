"""What a run has done so far, so that whatever stops it loses no finished trial.

`journal.jsonl` is append-only: a header that says which work this is, then one line per finished trial, each synced to
disk. The trial's out-of-fold margins lie beside it in `oof/<number>.npz`, durable before the line that names their
digest. A line that was cut off by a crash is not a line; a trial whose margins do not match it has not happened.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np

from seaway.core import candidate, canonical, durable
from seaway.core.batch import Array
from seaway.core.errors import Conflict, NotFound, Unavailable

FORMAT = 1
FILE, ARRAYS = "journal.jsonl", "oof"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Which work a journal is about. `rows` is the number of rows searched on, 0 for all."""

    format: int
    identity: str
    rows: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as written; `seconds` are by fold, `took_s` from first to last, `digest` is of its margins."""

    number: int
    model: str
    params: dict[str, Any]
    scores: dict[str, float]
    by_fold: tuple[float, ...]
    learnt: tuple[dict[str, float], ...]
    seconds: tuple[float, ...]
    took_s: float
    digest: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run did, so that it can be done again whatever the clock says.

    `rows` it searched on, its trials as written, and the weights, by trial number, of those that became members.
    """

    rows: int
    records: tuple[Record, ...]
    weights: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A finished trial with its out-of-fold margins (cases, ...)."""

    record: Record
    margin: Array

    @property
    def number(self) -> int:
        """Its place in the run."""
        return self.record.number

    @property
    def model(self) -> str:
        """The name of its model."""
        return self.record.model

    @property
    def scores(self) -> Mapping[str, float]:
        """Its out-of-fold scores."""
        return self.record.scores


class Journal:
    """One run's journal, held by one process at a time. Use as a context: leaving lets go of it."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self.identity = identity
        self.header: Header | None = None
        self.trials: list[Trial] = []
        self._file: io.BufferedRandom | None = None

    def __enter__(self) -> Self:
        (self.folder / ARRAYS).mkdir(parents=True, exist_ok=True)
        path = self.folder / FILE
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._file = os.fdopen(handle, "r+b")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise Conflict(
                "Another process is training this run",
                where=str(self.folder),
                fix="Wait for it, or stop it; the same command then goes on where it ended.",
            ) from None
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def begin(self, rows: int) -> None:
        """Write the header of a new journal; one that is there stays."""
        if self.header is None:
            self.header = Header(format=FORMAT, identity=self.identity, rows=rows)
            self._append(self.header)
            durable.sync_folder(self.folder)

    def add(self, record: Record, margin: Array) -> Trial:
        """Make a finished trial durable."""
        data = _packed(margin)
        record = msgspec.structs.replace(record, digest=canonical.digest(data))
        durable.write(self.folder / ARRAYS / f"{record.number}.npz", data)
        self._append(record)
        trial = Trial(record=record, margin=margin)
        self.trials.append(trial)
        return trial

    def _append(self, value: Header | Record) -> None:
        if self._file is None:
            raise TypeError("a journal is written inside its context")
        self._file.seek(0, os.SEEK_END)
        self._file.write(canonical.encode(value) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> None:
        """Take in what is whole and of this work; cut off the rest."""
        if self._file is None:
            raise TypeError("a journal is read inside its context")
        first, *lines = self._file.read().split(b"\n")
        self.header = _header(first, self.folder / FILE)
        if self.header is None:
            self._file.truncate(0)
            return
        if self.header.identity != self.identity:
            raise Conflict(
                "The folder holds another run: other data, contract, split or settings",
                where=str(self.folder),
                fix="Train into a folder of its own.",
            )
        kept = len(first) + 1
        for line in lines:
            trial = self._trial(line)
            if trial is None:
                break
            self.trials.append(trial)
            kept += len(line) + 1
        self._file.truncate(kept)

    def _trial(self, line: bytes) -> Trial | None:
        try:
            record = msgspec.json.decode(line, type=Record)
            data = (self.folder / ARRAYS / f"{record.number}.npz").read_bytes()
        except (msgspec.DecodeError, FileNotFoundError):
            return None
        if canonical.digest(data) != record.digest or record.number != len(self.trials):
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return Trial(record=record, margin=stored["margin"])


def recipe(folder: Path) -> Recipe:
    """Read what the finished run in `folder` did; raises `NotFound`."""
    path = folder / FILE
    lines = path.read_bytes().splitlines() if path.exists() else []
    header = _header(lines[0], path) if lines else None
    if header is None:
        raise NotFound(
            "The run has no journal",
            where=str(path),
            fix="Replay a run whose folder is whole; `seaway runs` lists them.",
        )
    trials = candidate.load(folder).trials
    return Recipe(
        rows=header.rows,
        records=tuple(msgspec.json.decode(line, type=Record) for line in lines[1:]),
        weights={int(trial["number"]): float(trial["weight"]) for trial in trials if trial["weight"]},
    )


def unfinished(runs: Path, identity: str) -> Path | None:
    """Return the newest run folder that began the same work and has not finished it."""
    found = [
        path.parent
        for path in runs.glob(f"*/{FILE}")
        if _is_of(path, identity) and not (path.parent / "candidate.json").exists()
    ]
    return max(found, key=lambda folder: folder.name, default=None)


def _is_of(path: Path, identity: str) -> bool:
    with path.open("rb") as file:
        try:
            header = _header(file.readline().rstrip(b"\n"), path)
        except Unavailable:  # begun by a newer version, so not this work
            return False
    return header is not None and header.identity == identity


def _header(line: bytes, path: Path) -> Header | None:
    """Return a journal's header, None where a crash cut it off; raises `Unavailable` for one of a newer version."""
    version = canonical.format_of(line)
    if version <= FORMAT:
        try:
            return msgspec.json.decode(line, type=Header)
        except msgspec.DecodeError:
            return None
    raise Unavailable(
        f"The run's journal has format {version}, this version reads {FORMAT}; nothing was changed",
        where=str(path),
        fix="Go on with the Seaway version that began the run, or a newer one.",
        code="newer-format",
    )


def _packed(margin: Array) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, margin=margin)
    return buffer.getvalue()
