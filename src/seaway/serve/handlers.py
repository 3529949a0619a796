"""What a server does with a request, free of any protocol: bytes in, a reply out.

An answer goes: read and held to the contract -> arm -> answered -> logged -> durable -> returned. Shadows run after the
reply was written and are logged under the same request id.
"""

from __future__ import annotations

import asyncio
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
from seaway.serve.log import forget
from seaway.serve.metrics import Tally
from seaway.serve.releases import Loaded, Models, Serving
from seaway.serve.shadows import Shadows

T = TypeVar("T")

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
        self._pending: dict[tuple[str, str, str], asyncio.Future[Prediction]] = {}

    def close(self) -> None:
        """Finish what the background thread has begun."""
        self._background.shutdown(cancel_futures=True)

    # ------------------------------------------------------------------------------------------------ answers

    async def predict(self, data: bytes, model: str = "", principal: str = "local") -> Reply:
        """Answer a request in the contract's JSON."""
        return await self.ask(Asked(data), model, principal, as_json)

    async def explain(self, data: bytes, model: str = "", principal: str = "local") -> Reply:
        """Answer with explanations only; nothing is decided by it, so nothing is logged."""
        serving = self.models[model]
        asked = Asked(data, explain=True)
        taken, told = await self._in_background(_explained, serving.champion, asked)
        found = {"model": serving.model, "release": taken.digest, "explanations": told}
        return Reply(200, http.encode(found), model=serving.model, release=taken.digest)

    async def ask(self, asked: Asked, model: str, principal: str, shape: Shape) -> Reply:
        """Answer a request of any protocol; `shape` writes the reply's body."""
        started = chance.monotonic()
        serving = self.models[model]
        token = self._token()
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
            first = await asyncio.shield(self._pending[key])
        if first is not None:
            self.tally.count("seaway_repeats", (serving.model,))
            return Reply(first.status, shape(first, None), model=serving.model, release=first.release)
        pending: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._pending[key] = pending
        try:
            answer, logged = await self._answered(serving, asked, taken, principal, moment)
            pending.set_result(logged)
        except BaseException as error:
            pending.set_exception(error if isinstance(error, SeawayError) else _interrupted())
            pending.exception()  # looked at: nobody may be waiting for it
            raise
        finally:
            del self._pending[key]
        return self._reply(serving, asked, shape, logged, answer)

    def _reply(self, serving: Serving, asked: Asked, shape: Shape, logged: Prediction, answer: Answer) -> Reply:
        reply = Reply(200, shape(logged, answer), http.JSON, serving.model, logged.release)
        if not serving.shadows:
            return reply
        return reply._replace(after=partial(self._shadows.ask, serving, asked, logged))

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


def as_json(logged: Prediction, answer: Answer | None) -> bytes:
    """Write the reply of /v1/predict from the event, so that a repeat is the same to the byte."""
    own = f',"client_id":{http.encode(logged.client_id).decode()}' if logged.client_id else ""
    head = f'{{"request_id":"{logged.request_id}"{own},"model":"{logged.model}","release":"{logged.release}","predictions":'
    return head.encode() + logged.answers + b"}"


def _explained(loaded: Loaded, asked: Asked) -> tuple[Loaded, list[dict[str, Json]]]:
    return loaded, explanations(loaded.back, asked.request(loaded.back.encoder))


def _interrupted() -> Unavailable:
    return Unavailable(
        "The first of these requests was interrupted", where="server", fix="Send it again.", code="overloaded"
    )
