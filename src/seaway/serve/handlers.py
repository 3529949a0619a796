"""What a server does with a request, free of any protocol: bytes in, a reply out.

An answer goes: read and held to the contract -> arm -> answered -> logged -> durable -> returned. Shadows run after the
reply was written and are logged under the same request id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from seaway.core import chance
from seaway.core.batch import Json
from seaway.core.errors import BadInput, BrokenContract, SeawayError, Unavailable
from seaway.core.event import Prediction
from seaway.core.settings import ServeSettings
from seaway.serve import answering, body, http, labels, records
from seaway.serve.answering import Answer, Asked, Mishap, Taken
from seaway.serve.explain import explanations
from seaway.serve.http import Reply
from seaway.serve.lane import Done, Lane, as_json
from seaway.serve.log import forget
from seaway.serve.metrics import Tally
from seaway.serve.pending import Pending
from seaway.serve.releases import Loaded, Models, Serving
from seaway.serve.shadows import Shadows

T = TypeVar("T")

_log = logging.getLogger("seaway.serve")

BACKLOG = 256
"""Long requests that may wait for the background thread."""


class Shape(Protocol):
    """How a protocol writes an answered request: the event that was logged, and the answer unless it is a repeat."""

    def __call__(self, logged: Prediction, answer: Answer | None) -> bytes: ...


class LabelsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of /v1/labels; each label is read by itself, so that every broken one is listed."""

    labels: list[Any]
    model: str = ""
    partial: bool = False


class Handlers:
    """Answers for one worker. Called from its event loop; long work goes to one background thread."""

    def __init__(self, models: Models, settings: ServeSettings, tally: Tally, *, clock: chance.Clock) -> None:
        self.models, self.settings, self.tally, self.clock = models, settings, tally, clock
        self._background = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._waiting = 0
        self._shadows = Shadows(self._background, tally, clock)
        self._arrivals = 0
        self._boot = chance.token(8)
        self._pending = Pending()
        self._long: set[asyncio.Task[None]] = set()
        self._lane = Lane(
            settings, tally, clock, self._shadows, self._pending, token=self._token, long_way=self._go_the_long_way
        )

    def close(self) -> None:
        """Finish what the background thread has begun."""
        self._background.shutdown(cancel_futures=True)

    # ------------------------------------------------------------------------------------------------ answers

    def predict_soon(self, data: bytes, model: str, principal: str, done: Done) -> bool:
        """Answer an ordinary request in the contract's JSON by the end of this turn; False says that it is none."""
        return self._lane.take(self.models[model], data, principal, done)

    async def predict(self, data: bytes, model: str = "", principal: str = "local") -> Reply:
        """Answer any request in the contract's JSON."""
        return await self.ask(Asked(data), model, principal, _as_json)

    async def explain(self, data: bytes, model: str = "", principal: str = "local") -> Reply:
        """Answer with explanations only; nothing is decided by it, so nothing is logged."""
        serving = self.models[model]
        asked = Asked(data, explain=True)
        taken, told = await self._in_background(_explained, serving.champion, asked)
        found = {"model": serving.model, "release": taken.digest, "explanations": told}
        return Reply(200, http.encode(found), model=serving.model, release=taken.digest)

    async def ask(self, asked: Asked, model: str, principal: str, shape: Shape, token: str = "") -> Reply:
        """Answer a request of any protocol; `shape` writes the reply's body, `token` chooses the arm where no key does."""
        started = chance.monotonic()
        serving = self.models[model]
        token = token or self._token()
        try:
            if asked.is_bulk:
                taken = await self._in_background(answering.take, serving, asked, token, True)
            else:
                taken = answering.take(serving, asked, token, False)
            if taken.request.request_id:
                return await self._once(serving, asked, taken, principal, shape, (started, token))
            answer, logged = await self._answered(serving, asked, taken, principal, (started, token))
        except SeawayError as error:
            return await self._refused(serving, principal, error, started)
        return self._reply(serving, asked, shape, logged, answer)

    async def _answered(
        self, serving: Serving, asked: Asked, taken: Taken, principal: str, moment: tuple[float, str]
    ) -> tuple[Answer, Prediction]:
        """Answer an accepted request and return when its record is durable."""
        started, token = moment
        kept = answering.keeps(self.settings.keep, token)
        if taken.is_bulk or asked.is_bulk:
            answer = await self._in_background(answering.answer, serving, asked, taken, True, kept)
        else:
            answer = answering.answer(serving, asked, taken, False, kept)
        logged = records.answered(serving, answer, principal, started, self.clock.next())
        done = serving.log.append(logged)
        if answer.taken.mishap is not None:
            self._note_mishap(serving, logged, answer.taken.mishap)
        self._count(serving, answer)
        await done
        if logged.client_id:
            serving.repeats.note(logged)
        return answer, logged

    async def _once(
        self, serving: Serving, asked: Asked, taken: Taken, principal: str, shape: Shape, moment: tuple[float, str]
    ) -> Reply:
        """Answer a request that carries the caller's own id: a repeat gets the first answer, also while that is being made."""
        client_id = taken.request.request_id
        key = (serving.model, principal, client_id)
        first = serving.repeats.find(principal, client_id)
        if first is None and key in self._pending:
            first = await self._pending.wait(key)
        if first is not None:
            self.tally.count("seaway_repeats", (serving.model,))
            return Reply(first.status, shape(first, None), model=serving.model, release=first.release)
        self._pending.begin(key)
        try:
            answer, logged = await self._answered(serving, asked, taken, principal, moment)
        except BaseException as error:
            self._pending.fail(key, error)
            raise
        self._pending.end(key, logged)
        return self._reply(serving, asked, shape, logged, answer)

    def _reply(self, serving: Serving, asked: Asked, shape: Shape, logged: Prediction, answer: Answer) -> Reply:
        reply = Reply(200, shape(logged, answer), http.JSON, serving.model, logged.release)
        if not serving.shadows:
            return reply
        return reply._replace(after=partial(self._shadows.ask, serving, asked, logged))

    def _go_the_long_way(self, serving: Serving, data: bytes, principal: str, token: str, done: Done) -> None:
        """Answer by itself what could not be answered together with others."""
        task = asyncio.get_running_loop().create_task(self._answer_to(serving, data, principal, token, done))
        self._long.add(task)  # the loop holds tasks weakly
        task.add_done_callback(self._long.discard)

    async def _answer_to(self, serving: Serving, data: bytes, principal: str, token: str, done: Done) -> None:
        try:
            reply = await self.ask(Asked(data), serving.model, principal, _as_json, token)
        except SeawayError as error:
            reply = http.refusal(error)
        except Exception:  # noqa: BLE001 - the caller must get a reply, and its connection is not this task's
            _log.exception("A request could not be answered")
            reply = Reply(500, http.INTERNAL)
        done(reply)

    # ----------------------------------------------------------------------------------------------- refusals

    async def _refused(self, serving: Serving, principal: str, error: SeawayError, started: float) -> Reply:
        """Log a refusal and say no; where the log itself says no, only that can be said."""
        reply = http.refusal(error)._replace(model=serving.model, release=serving.champion.digest)
        self.tally.count("seaway_refusals", (serving.model, error.code))
        if isinstance(error, BrokenContract):
            for cell in error.cells:
                self.tally.count("seaway_refused_cells", (serving.model, cell.rule))
        if error.code in ("log-unavailable", "overloaded"):
            return reply
        try:
            part: records.Part = (serving.champion, "refused")
            await serving.log.append(records.failed(serving, part, principal, error, started, self.clock.next()))
        except SeawayError as unlogged:
            return http.refusal(unlogged)._replace(model=serving.model, release=serving.champion.digest)
        return reply

    def _note_mishap(self, serving: Serving, logged: Prediction, mishap: Mishap) -> None:
        """Log what the canary could not answer, under the request's id and beside the champion's answer."""
        self.tally.count("seaway_canary_fallbacks", (serving.model, mishap.error.code))
        started = chance.monotonic() - logged.took_us / 1e6
        part: records.Part = (mishap.loaded, "canary")
        one = records.failed(
            serving, part, logged.principal, mishap.error, started, self.clock.next(), logged.request_id
        )
        forget(serving.log.append(one))

    def _count(self, serving: Serving, answer: Answer) -> None:
        loaded = answer.taken.loaded
        self.tally.count(
            "seaway_rows", (serving.model, loaded.digest[:12], answer.taken.arm), len(answer.taken.request.rows)
        )
        for flag in answer.answered.batch.flags:
            self.tally.count("seaway_flags", (serving.model, flag.column, flag.rule))
        for cells in answer.refused.values():
            for cell in cells:
                self.tally.count("seaway_refused_cells", (serving.model, cell.rule))

    # ------------------------------------------------------------------------------------------------- labels

    async def label(self, data: bytes, model: str = "", principal: str = "local") -> Reply:
        """Take labels in, all or (with `partial`) those that hold; durable before the reply."""
        given = body.read(data, LabelsBody, self.settings)
        if model and given.model and model != given.model:
            raise BadInput(
                f"The path names model {model!r}, the body {given.model[:64]!r}",
                where="$.model",
                fix="Name the model once.",
            )
        if len(given.labels) > self.settings.max_rows or not given.labels:
            raise BadInput(
                f"{len(given.labels)} labels were sent; 1 to {self.settings.max_rows} are taken at once",
                where="$.labels",
                fix="Send them in several requests.",
                code="too-large" if given.labels else "no-labels",
            )
        serving = self.models[model or given.model]
        checked = self._checked(serving, given.labels, principal)
        if checked.refused and not (given.partial and checked.labels):
            return http.refusal(labels.refusal(checked, len(given.labels)))._replace(model=serving.model)
        if checked.labels:
            await serving.log.append_all(checked.labels)
            self.tally.count("seaway_labels", (serving.model,), len(checked.labels))
        found: dict[str, Json] = {"model": serving.model, "taken": len(checked.labels), "refused": checked.refused}
        if checked.cells:
            found["cells"] = checked.cells
        return Reply(200, http.encode(found), model=serving.model)

    def _checked(self, serving: Serving, records: Sequence[Any], principal: str) -> labels.Checked:
        def resolve(client_id: str) -> str:
            known = serving.repeats.find(principal, client_id)
            return known.request_id if known else client_id

        checker = labels.Checker(
            serving.champion.contract, serving.model, serving.log.folder, clock=self.clock, resolve=resolve
        )
        return checker.check(records, principal)

    # --------------------------------------------------------------------------------------------- background

    async def _in_background(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run long work in the background thread; too much of it is turned away."""
        if self._waiting >= BACKLOG:
            raise Unavailable(
                "Too many long requests wait", where="server", fix="Send fewer at once.", code="overloaded"
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._background, work, *arguments)
        finally:
            self._waiting -= 1

    def _token(self) -> str:
        """Return a name of this request that chooses its arm and its sampling where the caller gives no key."""
        self._arrivals += 1
        return f"{self._boot}{self._arrivals}"


def _as_json(logged: Prediction, answer: Answer | None) -> bytes:
    return as_json(logged)


def _explained(loaded: Loaded, asked: Asked) -> tuple[Loaded, list[dict[str, Json]]]:
    return loaded, explanations(loaded.back, asked.request(loaded.back.encoder))
