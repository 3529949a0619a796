"""Following what should answer: a new release is loaded, verified and replayed beside the running one, then swapped in.

The swap is one assignment in the loop's thread, between two requests. A release that this installation never loaded is first
loaded in a process of its own, within limits. One that fails to load leaves everything as it was; it is logged, shown by
readiness and metrics, and tried again now and then. However long a load takes, the looks at the source go on beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seaway.core import chance
from seaway.core.assignment import Assignment
from seaway.core.errors import SeawayError, Untrusted
from seaway.core.protocols import Source, Verifier
from seaway.core.settings import ServeSettings
from seaway.serve.log import EventLog
from seaway.serve.releases import Loaded, Models, Serving
from seaway.serve.repeats import Repeats

RETRY_S, RETRY_AT_MOST_S = 5.0, 80.0
"""Seconds until a release that failed to load is tried again; they double with every failure, up to the second figure."""

Prove = Callable[[Path, str, Callable[[], bool]], None]
"""Sees to it that the release (folder, digest) was loaded within limits once; gives up where the last argument says false."""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An assignment that could not be followed: how often, and when it is tried again (monotonic)."""

    sequence: int
    times: int
    until: float


_log = logging.getLogger("seaway.serve")


class Follower:
    """Keeps `models` at the newest assignments of a source. Its steps run in the event loop, loading in a thread."""

    def __init__(
        self,
        source: Source,
        verifier: Verifier,
        models: Models,
        *,
        settings: ServeSettings,
        log_root: Path,
        worker: int,
        clock: chance.Clock,
        prove: Prove | None = None,
    ) -> None:
        """Without `prove` this process is the limited one itself, as the dry run's is."""
        self._source, self._verifier, self._models = source, verifier, models
        self._prove, self._is_closed = prove, False
        self._settings, self._log_root, self._worker, self._clock = settings, log_root, worker, clock
        self._logs: dict[str, tuple[EventLog, Repeats]] = {}
        self._failed: dict[str, Failed] = {}

    async def run(self, changed: Callable[[], None]) -> None:
        """Poll for ever; `changed` is called after each look. Once all have been tried, models move beside one another."""
        moving: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                if self._models.has_looked:
                    await self._start(moving)
                else:
                    await self.step()
                for log, _ in list(self._logs.values()):
                    log.tick()
                changed()
                await asyncio.sleep(self._settings.poll_s)
        finally:
            for task in moving.values():
                task.cancel()

    async def step(self) -> None:
        """Look once and move to what is new."""
        behind = await self._behind()
        if behind is not None:
            for assignment in behind:
                await self._move(assignment)
            self._models.has_looked = True

    def close(self) -> None:
        """Give up what is being loaded for the first time, write what waits and seal the logs."""
        self._is_closed = True
        for log, _ in list(self._logs.values()):
            log.close()

    async def _start(self, moving: dict[str, asyncio.Task[None]]) -> None:
        """Look once and start to move to what is new, a model at a time in each task; a task's own fault ends the follower."""
        for model, task in list(moving.items()):
            if task.done():
                del moving[model]
                task.result()
        for assignment in await self._behind() or ():
            if assignment.model not in moving:
                moving[assignment.model] = asyncio.create_task(self._move(assignment))

    async def _behind(self) -> list[Assignment] | None:
        """Return the assignments that are not followed yet; None where the source cannot tell."""
        try:
            assignments = await asyncio.to_thread(self._source.assignments)
        except SeawayError as error:
            if "" not in self._models.troubles:
                _log.warning("The assignments cannot be read: %s", error)
            self._models.trouble("", error)
            return None
        self._models.clear("")
        for model in set(self._models.by_name) - set(assignments):
            self._models.drop(model)
        return [one for one in assignments.values() if self._is_new(one)]

    def _is_new(self, assignment: Assignment) -> bool:
        serving = self._models.by_name.get(assignment.model)
        failed = self._failed.get(assignment.model)
        if failed is not None and failed.sequence == assignment.sequence and chance.monotonic() < failed.until:
            return False
        return serving is None or serving.assignment.sequence < assignment.sequence

    async def _move(self, assignment: Assignment) -> None:
        serving = self._models.by_name.get(assignment.model)
        try:
            found = await asyncio.to_thread(self._load, assignment, serving)
        except SeawayError as error:
            self._fail(assignment, error)
        except Exception as error:  # noqa: BLE001 - whatever a release does while it is loaded, the old one goes on
            _log.exception("Release %s could not be loaded", assignment.champion[:12])
            self._fail(assignment, _unexpected(error))
        else:
            self._failed.pop(assignment.model, None)
            self._models.swap(found)
            _log.info("Model %s answers with %s", assignment.model, assignment.champion[:12])

    def _fail(self, assignment: Assignment, error: SeawayError) -> None:
        _log.error("Assignment %s of %s is not followed: %s", assignment.sequence, assignment.model, error)
        former = self._failed.get(assignment.model)
        times = former.times + 1 if former is not None and former.sequence == assignment.sequence else 1
        wait_s = min(RETRY_S * 2 ** (times - 1), RETRY_AT_MOST_S)
        until = chance.monotonic() + wait_s
        self._failed[assignment.model] = Failed(sequence=assignment.sequence, times=times, until=until)
        self._models.trouble(assignment.model, error)

    def _load(self, assignment: Assignment, serving: Serving | None) -> Serving:
        held = {loaded.digest: loaded for loaded in (serving.releases if serving else ())}
        releases: Mapping[str, Loaded] = {
            digest: held.get(digest) or self._loaded(assignment.model, digest) for digest in assignment.digests
        }
        log, repeats = self._log_of(assignment.model)
        return Serving(
            assignment=assignment,
            champion=releases[assignment.champion],
            canary=releases[assignment.canary[0]] if assignment.canary else None,
            shadows=tuple(releases[digest] for digest in assignment.shadows),
            log=log,
            repeats=repeats,
        )

    def _loaded(self, model: str, digest: str) -> Loaded:
        folder = self._source.bundle(digest)
        if self._prove is not None:
            self._prove(folder, digest, lambda: not self._is_closed)
        return Loaded(folder, self._verifier, model=model, digest=digest, limits=self._settings)

    def _log_of(self, model: str) -> tuple[EventLog, Repeats]:
        if model not in self._logs:
            folder = self._log_root / model
            log = EventLog(
                folder,
                self._worker,
                durability=self._settings.durability,
                segment_bytes=self._settings.segment_bytes,
                segment_s=self._settings.segment_s,
                clock=self._clock,
            )
            repeats = Repeats(folder, self._worker)
            self._clock.seen(repeats.highest)
            self._logs[model] = log, repeats
        return self._logs[model]


def _unexpected(error: Exception) -> Untrusted:
    return Untrusted(
        f"Loading it failed: {type(error).__name__}",
        where="release",
        fix="Report it, with the server's log.",
        code="load",
    )
