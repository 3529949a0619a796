"""Requests that carry the caller's own id and are being answered: a copy that comes meanwhile waits for the first."""

from __future__ import annotations

import asyncio

from seaway.core.errors import SeawayError, Unavailable
from seaway.core.event import Prediction

Key = tuple[str, str, str]
"""Model, principal, and the caller's own id."""


class Pending:
    """What is being answered by id. Of the event loop's thread."""

    def __init__(self) -> None:
        self._known: dict[Key, asyncio.Future[Prediction]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def begin(self, key: Key) -> None:
        """Note that an answer is being made; it has to `end` or to `fail`."""
        self._known[key] = asyncio.get_running_loop().create_future()

    def end(self, key: Key, logged: Prediction) -> None:
        """Give the answer to all who wait for it."""
        self._known.pop(key).set_result(logged)

    def fail(self, key: Key, error: BaseException) -> None:
        """Tell all who wait that there is none; a key that nobody began is no matter."""
        waits = self._known.pop(key, None)
        if waits is not None:
            waits.set_exception(error if isinstance(error, SeawayError) else _interrupted())
            waits.exception()  # looked at: nobody may be waiting for it

    async def wait(self, key: Key) -> Prediction:
        """Return the answer that is being made; raises what kept it from being made."""
        return await asyncio.shield(self._known[key])


def _interrupted() -> Unavailable:
    return Unavailable(
        "The first of these requests was interrupted", where="server", fix="Send it again.", code="overloaded"
    )
