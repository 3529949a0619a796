"""From what was asked to an answer ready to be logged and sent. Runs in the loop's thread or in the background's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from seaway.core.answer import Answered
from seaway.core.batch import Json, Request
from seaway.core.errors import BrokenContract, Cell, SeawayError
from seaway.core.event import Arm
from seaway.core.protocols import Encoder
from seaway.serve import http
from seaway.serve.explain import explained
from seaway.serve.releases import Loaded, Serving

SMALL_BODY, SMALL_ROWS = 32 << 10, 64
"""Up to here a request is answered in the loop's thread (under about a millisecond); beyond, in the background's."""

SMALL_HISTORY, FEW_SERIES = 256, 8
"""The same for series, whose rows are mostly read and whose model runs once for each (measured: 0.6 ms + 5 us a row)."""


class Asked(NamedTuple):
    """A request as it came: JSON that the contract's encoder reads, or rows that another protocol made of its own form."""

    body: bytes
    rows: Sequence[Mapping[str, Json]] | None = None
    request_id: str = ""
    key: str = ""
    explain: bool = False

    def request(self, encoder: Encoder) -> Request:
        """Hold it to a contract; raises `BadInput` and its kinds."""
        if self.rows is None:
            request = encoder.decode(self.body)
            return replace(request, explain=True) if self.explain and not request.explain else request
        request = encoder.request(self.rows)
        return replace(request, request_id=self.request_id, key=self.key, explain=self.explain)

    @property
    def is_bulk(self) -> bool:
        """Say whether reading it is work for the background."""
        return len(self.body) > SMALL_BODY


class Mishap(NamedTuple):
    """A canary that could not answer what the champion then answered."""

    loaded: Loaded
    error: SeawayError


class Taken(NamedTuple):
    """A request that a release's contract accepts."""

    loaded: Loaded
    arm: Arm
    request: Request
    mishap: Mishap | None = None

    @property
    def is_bulk(self) -> bool:
        """Say whether answering it is work for the background."""
        rows = len(self.request.rows)
        if self.loaded.contract.series is not None:
            return rows > SMALL_HISTORY or len(self.request.ids) > FEW_SERIES or self.request.explain
        return rows > SMALL_ROWS or self.request.explain


class Answer(NamedTuple):
    """What a release says: `sent` is the JSON of the predictions, `rows` the JSON of the accepted rows as logged."""

    taken: Taken
    answered: Answered
    sent: bytes
    rows: bytes
    kept: float
    refused: Mapping[int, tuple[Cell, ...]]
    """Broken cells by case, counted over all cases that were asked about."""


class _Keys(msgspec.Struct):
    """The two fields that choose the arm, read before the contract is known."""

    key: str = ""
    request_id: str = ""


_keys = msgspec.json.Decoder(_Keys)


def take(serving: Serving, asked: Asked, token: str, is_bulk: bool) -> Taken:
    """Choose the arm by the caller's key, else by the caller's id, else by `token`, and hold the request to its contract.

    What the canary's contract refuses falls to the champion: a caller never gets a refusal that the champion would not give.
    """
    mishap = None
    if serving.canary is not None and is_canarys(serving, asked, token):
        try:
            request = asked.request(serving.canary.answerer(is_bulk).encoder)
            return Taken(serving.canary, "canary", request)
        except SeawayError as error:
            mishap = Mishap(serving.canary, error)
    return Taken(serving.champion, "champion", asked.request(serving.champion.answerer(is_bulk).encoder), mishap)


def answer(serving: Serving, asked: Asked, taken: Taken, is_bulk: bool, kept: float) -> Answer:
    """Answer an accepted request; a canary that fails falls to the champion."""
    try:
        return _answer(taken, is_bulk, kept)
    except SeawayError as error:
        if taken.arm != "canary":
            raise
        request = asked.request(serving.champion.answerer(is_bulk).encoder)
        return _answer(Taken(serving.champion, "champion", request, Mishap(taken.loaded, error)), is_bulk, kept)


def _answer(taken: Taken, is_bulk: bool, kept: float) -> Answer:
    answerer = taken.loaded.answerer(is_bulk)
    (answered,) = answerer.answer([taken.request])
    predictions = answered.predictions
    if taken.request.explain:
        told = explained(answerer, taken.request)
        whys = [told] * len(predictions) if isinstance(told, dict) else told
        predictions = [{**one, "explanation": why} for one, why in zip(predictions, whys, strict=True)]
    refused: Mapping[int, tuple[Cell, ...]] = getattr(taken.request, "refused", {})
    if refused:
        predictions = _with_refused(predictions, refused)
    rows = answerer.encoder.logged(taken.request) if kept else b""
    return Answer(taken, answered, http.encode(predictions), rows, kept, refused)


def keeps(share: float, token: str) -> float:
    """Return the share under which this request's rows are kept, 0 where they are left out."""
    if share >= 1.0:
        return 1.0
    return share if _uniform(token) < share else 0.0


def is_canarys(serving: Serving, asked: Asked, token: str) -> bool:
    """Say whether the canary answers: by the caller's key, else by the caller's id, else by `token`."""
    if serving.canary is None:
        return False
    key, client_id = asked.key, asked.request_id
    if asked.rows is None:
        try:
            keys = _keys.decode(asked.body)
            key, client_id = keys.key, keys.request_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False  # the champion's encoder says what is wrong with the body
    return serving.assignment.arm(key or client_id or token) == serving.canary.digest


def _uniform(token: str) -> float:
    hashed = hashlib.blake2b(token.encode(), digest_size=8, person=b"seaway-kept").digest()
    return int.from_bytes(hashed, "big") / 2**64


def _with_refused(predictions: list[dict[str, Json]], refused: Mapping[int, tuple[Cell, ...]]) -> list[dict[str, Json]]:
    """Put an error in the place of each refused case, so that predictions stand where their cases stood."""
    found: list[dict[str, Json]] = []
    answered = iter(predictions)
    for case in range(len(predictions) + len(refused)):
        cells = refused.get(case)
        found.append(next(answered) if cells is None else {"error": http.told(_broken(case, cells))})
    return found


def _broken(case: int, cells: tuple[Cell, ...]) -> BrokenContract:
    row = cells[0].row if cells else case
    return BrokenContract(
        f"Row {row} breaks the contract in {len(cells)} cell{'s' * (len(cells) > 1)}",
        cells=cells,
        where=f"$.rows[{row}]",
        fix=cells[0].fix if cells else "Compare the row with GET /v1/contract.",
    )
