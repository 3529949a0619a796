"""Writes what a server would: real segments of a real event log, through core/segment.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import event, segment
from seaway.core.event import Arm, Label, Prediction

MODEL = "credit"
START = 1_700_000_000_000_000


class Server:
    """One worker with an open segment. Time passes by a millisecond with each event unless told otherwise."""

    def __init__(self, log: Path, worker: int = 0, model: str = MODEL, clock: int = START) -> None:
        self.folder = log / model
        self.folder.mkdir(parents=True, exist_ok=True)
        self.model, self.worker, self.number, self.records, self.clock = model, worker, 0, 0, clock
        while self._path(sealed=False).exists() or self._path(sealed=True).exists():
            self.number += 1  # a server that was killed leaves its segments to those that read
        self.append(segment.header(worker, self.number))

    def _path(self, *, sealed: bool) -> Path:
        return self.folder / segment.name(self.worker, self.number, sealed=sealed)

    def append(self, data: bytes) -> None:
        """Write bytes at the end of the open segment."""
        with self._path(sealed=False).open("ab") as file:
            file.write(data)

    def write(self, made: event.Event) -> None:
        """Append one record."""
        self.append(segment.frame(event.encode(made)))
        self.records += 1

    def seal(self) -> Path:
        """Close the segment under its final name and open the next one."""
        sealed = self._path(sealed=True)
        self._path(sealed=False).rename(sealed)
        self.number, self.records = self.number + 1, 0
        self.append(segment.header(self.worker, self.number))
        return sealed

    def tick(self) -> int:
        """Return the next sequence."""
        self.clock += 1000
        return self.clock

    def predict(
        self,
        rows: Sequence[Mapping[str, Any]],
        predictions: Sequence[Mapping[str, Any]],
        *,
        release: str = "r1",
        arm: Arm = "champion",
        ids: Sequence[Mapping[str, str]] = (),
        request_id: str = "",
        sequence: int = 0,
        took_us: int = 500,
        client_id: str = "",
        kept: float = 1.0,
        principal: str = "client",
        options: Mapping[str, Any] | None = None,
    ) -> str:
        """Write one answered request; returns its id."""
        at = sequence or self.tick()
        made = request_id or segment.request_id(at // 1000, segment.Place(self.worker, self.number, self.records))
        self.write(
            Prediction(
                sequence=at,
                request_id=made,
                model=self.model,
                release=release,
                arm=arm,
                principal=principal,
                rows=msgspec.json.encode(list(rows)) if kept else b"",
                options=msgspec.json.encode(options or {}),
                ids=tuple(dict(one) for one in ids),
                answers=msgspec.json.encode(list(predictions)),
                seen=0,
                took_us=took_us,
                kept=kept,
                client_id=client_id,
            )
        )
        return made

    def refuse(
        self,
        *,
        status: int = 422,
        code: str = "broken-contract",
        column: str = "",
        release: str = "r1",
        arm: Arm = "refused",
        request_id: str = "",
    ) -> str:
        """Write one refused request."""
        at = self.tick()
        made = request_id or segment.request_id(at // 1000, segment.Place(self.worker, self.number, self.records))
        cells = [{"row": 0, "column": column, "value": "x", "rule": "number", "fix": ""}] if column else []
        error = {"error": {"code": code, "message": "no", "path": "", "fix": "", "cells": cells}}
        self.write(
            Prediction(
                sequence=at,
                request_id=made,
                model=self.model,
                release=release,
                arm=arm,
                principal="client",
                rows=b"",
                options=b"{}",
                ids=(),
                answers=msgspec.json.encode(error),
                seen=0,
                took_us=100,
                kept=1.0,
                status=status,
            )
        )
        return made

    def label(
        self,
        value: str | float | bool,
        *,
        request_id: str = "",
        row: int = 0,
        id: str = "",
        at: str = "",
        principal: str = "labeler",
        sequence: int = 0,
    ) -> None:
        """Write one label."""
        self.write(
            Label(
                sequence=sequence or self.tick(),
                model=self.model,
                principal=principal,
                value=value,
                known="2026-01-01T00:00:00Z",
                request_id=request_id,
                row=row,
                id=id,
                at=at,
            )
        )


def chance_of(p: float) -> dict[str, Any]:
    """Return a binary prediction as the server sends it."""
    return {"label": "bad" if p > 0.5 else "good", "probabilities": {"good": 1 - p, "bad": p}}
