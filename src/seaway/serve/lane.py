"""Ordinary requests, answered together: what could be read in one turn of the loop goes through the engine in one run.

Nobody waits for it: no timer, only what has come by the end of the turn. A request that is not ordinary, and all of a run
that failed, go the long way of `handlers.py` one by one, so that the fault of one is not that of the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec
import numpy as np

from seaway.core import chance
from seaway.core.batch import Batch, Glance
from seaway.core.errors import SeawayError
from seaway.core.event import Arm, Prediction
from seaway.core.settings import ServeSettings
from seaway.serve import answering, http
from seaway.serve.answering import Asked
from seaway.serve.http import Reply
from seaway.serve.metrics import Tally
from seaway.serve.pending import Pending
from seaway.serve.releases import Loaded, Serving
from seaway.serve.shadows import Shadows

QUICK_BODY, QUICK_ROWS = 64 << 10, 256
"""Up to here a request is answered in the loop's thread (under about a millisecond)."""

Done = Callable[[Reply], None]
LongWay = Callable[[Serving, bytes, str, str, Done], None]
"""Answers a request by itself: its body, the principal, the token that chose its arm, and who waits for the reply."""

_log = logging.getLogger("seaway.serve")


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A request that was read, and who waits for its reply."""

    glance: Glance
    data: bytes
    principal: str
    token: str
    kept: float
    started: float
    done: Done


Group = tuple[Serving, Loaded, Arm]


class Lane:
    """Takes ordinary requests and answers them at the end of the turn. Of the event loop's thread."""

    def __init__(
        self,
        settings: ServeSettings,
        tally: Tally,
        clock: chance.Clock,
        shadows: Shadows,
        pending: Pending,
        *,
        token: Callable[[], str],
        long_way: LongWay,
    ) -> None:
        self._keep, self._tally, self._clock, self._shadows = settings.keep, tally, clock, shadows
        self._pending, self._token, self._long_way = pending, token, long_way
        self._waiting: dict[int, tuple[Group, list[Waiting]]] = {}

    def take(self, serving: Serving, data: bytes, principal: str, done: Done) -> bool:
        """Take an ordinary request, whose reply is handed to `done`; False says that it has to go the long way."""
        if len(data) > QUICK_BODY:
            return False
        started = chance.monotonic()
        loaded, arm, token, kept = serving.champion, "champion", "", 1.0
        if serving.canary is not None or self._keep < 1.0:
            token = self._token()
            kept = answering.keeps(self._keep, token)
            if answering.is_canarys(serving, Asked(data), token):
                assert serving.canary is not None
                loaded, arm = serving.canary, "canary"
        quick = loaded.front.encoder.quick
        glance = quick.read(data) if quick is not None else None
        if glance is None or glance.rows > QUICK_ROWS:
            return False
        if glance.request_id:
            key = (serving.model, principal, glance.request_id)
            first = serving.repeats.find(principal, glance.request_id)
            if first is not None or key in self._pending:
                return False
            self._pending.begin(key)
        group: Group = (serving, loaded, arm)  # type: ignore[assignment]
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        known = self._waiting.get(id(loaded))
        if known is None or known[0] != group:
            known = self._waiting[id(loaded)] = (group, [])
        known[1].append(Waiting(glance, data, principal, token, kept, started, done))
        return True

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for group, asked in waiting.values():
            for part in _parts(asked, group[1].front.runner.gather):
                self._answer(group, part)

    def _answer(self, group: Group, part: Sequence[Waiting]) -> None:
        serving, loaded, arm = group
        try:
            events = self._events(group, part)
        except Exception as error:  # noqa: BLE001 - whatever it was, each finds out for itself the long way
            if not isinstance(error, SeawayError):
                _log.exception("Requests could not be answered together")
            for one in part:
                self._pending.fail((serving.model, one.principal, one.glance.request_id), error)
                self._long_way(serving, one.data, one.principal, one.token, one.done)
            return
        rows = sum(one.glance.rows for one in part)
        self._tally.count("seaway_rows", (serving.model, loaded.digest[:12], arm), rows)
        settle = partial(self._settle, serving, part, events)
        try:
            serving.log.put(events, settle)
        except SeawayError as error:
            settle(error)

    def _events(self, group: Group, part: Sequence[Waiting]) -> list[Prediction]:
        serving, loaded, arm = group
        answerer = loaded.front
        quick = answerer.encoder.quick
        assert quick is not None
        numbers = bytearray().join([one.glance.x for one in part])
        x = np.frombuffer(numbers, dtype=np.float32).reshape(-1, loaded.width)
        cases = quick.cases(answerer.runner.run(Batch.of_rows(x)))
        model, release, now = serving.model, loaded.digest, chance.monotonic()
        sequence = self._clock.take(len(part))
        events: list[Prediction] = []
        start = 0
        for one, request_id in zip(part, serving.log.next_ids(len(part)), strict=True):
            glance = one.glance
            end = start + glance.rows
            events.append(
                Prediction(
                    sequence=sequence,
                    request_id=request_id,
                    model=model,
                    release=release,
                    arm=arm,
                    principal=one.principal,
                    rows=glance.logged if one.kept else b"",
                    options=b"{}",
                    ids=tuple(dict(each) for each in glance.ids) if glance.ids else (),
                    answers=http.encode(cases[start:end]),
                    seen=0,
                    took_us=int((now - one.started) * 1e6),
                    kept=one.kept,
                    client_id=glance.request_id,
                )
            )
            start, sequence = end, sequence + 1
        return events

    def _settle(
        self, serving: Serving, part: Sequence[Waiting], events: Sequence[Prediction], error: SeawayError | None
    ) -> None:
        """Hand the replies out: the records are durable, or nobody gets an answer."""
        if error is not None:
            self._tally.count("seaway_refusals", (serving.model, error.code), len(part))
            reply = http.refusal(error)._replace(model=serving.model, release=serving.champion.digest)
            for one in part:
                self._pending.fail((serving.model, one.principal, one.glance.request_id), error)
                one.done(reply)
            return
        for one, event in zip(part, events, strict=True):
            if event.client_id:
                serving.repeats.note(event)
                self._pending.end((serving.model, one.principal, event.client_id), event)
            after = partial(self._shadows.ask, serving, Asked(one.data), event) if serving.shadows else None
            one.done(Reply(200, as_json(event), http.JSON, event.model, event.release, after))


def as_json(logged: Prediction) -> bytes:
    """Write the reply of /v1/predict from the event, so that a repeat is the same to the byte."""
    own = f',"client_id":{http.encode(logged.client_id).decode()}' if logged.client_id else ""
    head = f'{{"request_id":"{logged.request_id}"{own},"model":"{logged.model}","release":"{logged.release}","predictions":'
    return head.encode() + logged.answers + b"}"


def _parts(asked: list[Waiting], most: int) -> Iterator[list[Waiting]]:
    """Cut what waits into runs of at most `most` rows; a request stays whole."""
    if sum(one.glance.rows for one in asked) <= most:
        yield asked
        return
    part: list[Waiting] = []
    rows = 0
    for one in asked:
        if part and rows + one.glance.rows > most:
            yield part
            part, rows = [], 0
        part.append(one)
        rows += one.glance.rows
    yield part
