"""Shadows answer too, after the reply was written: nobody waits for them and nothing they do reaches the caller."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor, Future
from functools import partial

from seaway.core import chance
from seaway.core.errors import SeawayError
from seaway.core.event import Prediction
from seaway.serve import answering, records
from seaway.serve.answering import Answer, Asked, Taken
from seaway.serve.log import forget
from seaway.serve.metrics import Tally
from seaway.serve.releases import Loaded, Serving

BACKLOG = 1000
"""Shadow answers that may wait for the background thread; what comes on top is counted and left out."""

_log = logging.getLogger("seaway.serve")

Found = tuple[float, Answer | SeawayError]


class Shadows:
    """Asks shadows in the background and logs what they say under the request's own id. Used from the loop's thread."""

    def __init__(self, background: Executor, tally: Tally, clock: chance.Clock) -> None:
        self._background, self._tally, self._clock = background, tally, clock
        self._waiting = 0

    def ask(self, serving: Serving, asked: Asked, logged: Prediction) -> None:
        """Let every shadow of a model answer a request that was answered."""
        loop = asyncio.get_running_loop()
        for loaded in serving.shadows:
            if self._waiting >= BACKLOG:
                self._tally.count("seaway_shadows_dropped", (serving.model,))
                continue
            self._waiting += 1
            work = self._background.submit(_answered, loaded, serving, asked, logged.kept)
            work.add_done_callback(partial(loop.call_soon_threadsafe, partial(self._take, serving, loaded, logged)))

    def _take(self, serving: Serving, loaded: Loaded, logged: Prediction, done: Future[Found]) -> None:
        self._waiting -= 1
        if done.cancelled():
            return
        if (failure := done.exception()) is not None:
            _log.error("A shadow of %s failed", serving.model, exc_info=failure)
            return
        took_s, found = done.result()
        started, sequence = chance.monotonic() - took_s, self._clock.next()
        if isinstance(found, SeawayError):
            part: records.Part = (loaded, "shadow")
            one = records.failed(serving, part, logged.principal, found, started, sequence, logged.request_id)
        else:
            one = records.answered(serving, found, logged.principal, started, sequence, logged.request_id)
        self._tally.count("seaway_shadow_answers", (serving.model, loaded.digest[:12], str(one.status)))
        try:
            forget(serving.log.append(one))
        except SeawayError as error:
            _log.warning("A shadow's answer was not logged: %s", error.what)


def _answered(loaded: Loaded, serving: Serving, asked: Asked, kept: float) -> Found:
    started = chance.monotonic()
    try:
        taken = Taken(loaded, "shadow", asked.request(loaded.back.encoder))
        found: Answer | SeawayError = answering.answer(serving, asked, taken, True, kept)
    except SeawayError as error:
        found = error
    return chance.monotonic() - started, found
