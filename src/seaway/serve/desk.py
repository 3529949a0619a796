"""All of a worker but the wire: the models that follow the registry, the door, the handlers, and the application over them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from seaway.core import chance
from seaway.core.protocols import Source, Verifier
from seaway.core.settings import ServeSettings
from seaway.serve import metrics
from seaway.serve.app import App
from seaway.serve.door import Door
from seaway.serve.follow import Follower, Prove
from seaway.serve.handlers import Handlers
from seaway.serve.metrics import Tally
from seaway.serve.releases import Models
from seaway.serve.routes import Server
from seaway.serve.state import Standing

_log = logging.getLogger("seaway.serve")


class Desk:
    """Opened and closed in an event loop; `app` answers in between. The worker's number is held by this process alone."""

    def __init__(
        self,
        state: Path,
        worker: int,
        settings: ServeSettings,
        source: Source,
        verifier: Verifier,
        *,
        keys: Path,
        port: int = 0,
        prove: Prove | None = None,
        report: Callable[[str, bool], None] = lambda address, is_throttled: None,
    ) -> None:
        self.models, tally, clock = Models(), Tally(), chance.Clock()
        serving = state / "serving"
        tally.take_up(msgspec.structs.replace(metrics.read(serving / f"{worker:05d}.metrics"), gauges=[]))
        tally.count("seaway_worker_starts", (str(worker),))
        self._door = Door(source.keys, settings, folder=serving, secrets=keys, report=report)
        self.standing = Standing(
            folder=serving, worker=worker, port=port, models=self.models, tally=tally, door=self._door
        )
        self._handlers = Handlers(self.models, settings, tally, clock=clock)
        self._follower = Follower(
            source,
            verifier,
            self.models,
            settings=settings,
            log_root=state / "log",
            worker=worker,
            clock=clock,
            prove=prove,
        )
        self.app = App(Server(self._handlers, self.standing, self._door), settings)
        self._following: list[asyncio.Task[None]] = []
        self._is_full = False

    async def open(self, looked: Callable[[], None], ended: Callable[[], None]) -> None:
        """Look at the keys, then follow keys and assignments.

        `looked` is called after each look at the assignments, `ended` where following broke off: what no longer follows
        must not go on as if it did.
        """
        await self._door.step()
        loop = asyncio.get_running_loop()
        self._following = [loop.create_task(self._door.follow()), loop.create_task(self._follower.run(looked))]

        def over(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("The worker cannot follow any more", exc_info=error)
                ended()

        for task in self._following:
            task.add_done_callback(over)

    async def close(self) -> None:
        """Finish what was begun, and seal the log."""
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)  # what they end with was logged as they ended
        self._handlers.close()
        self._door.close()
        self._follower.close()
        self.standing.leave()

    def tell(self) -> None:
        """Write the files that tell others how this worker stands."""
        try:
            self.standing.tell()
            self._is_full = False
        except OSError as error:  # a full disk: the log says so to callers, and this goes on when space returns
            if not self._is_full:
                _log.warning("The state folder cannot be written: %s", error.strerror)
            self._is_full = True
