"""Following what should answer: a new release is loaded, verified and replayed beside the running one, then swapped in.

The swap is one assignment in the loop's thread, between two requests. A release that fails to load leaves everything as it
was; it is logged, shown by readiness and metrics, and tried again now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from seaway.core import chance
from seaway.core.assignment import Assignment
from seaway.core.errors import SeawayError, Untrusted
from seaway.core.protocols import Source, Verifier
from seaway.core.settings import ServeSettings
from seaway.serve.log import EventLog
from seaway.serve.releases import Loaded, Models, Serving
from seaway.serve.repeats import Repeats

RETRY_S = 5.0
"""Seconds until a release that failed to load is tried again."""

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
    ) -> None:
        self._source, self._verifier, self._models = source, verifier, models
        self._settings, self._log_root, self._worker, self._clock = settings, log_root, worker, clock
        self._logs: dict[str, tuple[EventLog, Repeats]] = {}
        self._failed: dict[str, tuple[int, float]] = {}

    async def run(self, changed: Callable[[], None]) -> None:
        """Poll for ever; `changed` is called after each look."""
        while True:
            await self.step()
            for log, _ in self._logs.values():
                log.tick()
            changed()
            await asyncio.sleep(self._settings.poll_s)

    async def step(self) -> None:
        """Look once and move to what is new."""
        try:
            assignments = await asyncio.to_thread(self._source.assignments)
        except SeawayError as error:
            if "" not in self._models.troubles:
                _log.warning("The assignments cannot be read: %s", error)
            self._models.trouble("", error)
            return
        self._models.clear("")
        for model, assignment in assignments.items():
            serving = self._models.by_name.get(model)
            if serving is None or serving.assignment.sequence < assignment.sequence:
                await self._move(assignment, serving)
        for model in set(self._models.by_name) - set(assignments):
            self._models.drop(model)
        self._models.has_looked = True

    def close(self) -> None:
        """Write what waits and seal the logs."""
        for log, _ in self._logs.values():
            log.close()

    async def _move(self, assignment: Assignment, serving: Serving | None) -> None:
        sequence, until = self._failed.get(assignment.model, (-1, 0.0))
        if sequence == assignment.sequence and chance.monotonic() < until:
            return
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
        self._failed[assignment.model] = assignment.sequence, chance.monotonic() + RETRY_S
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
