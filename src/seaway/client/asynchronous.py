"""The async client: for one event loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from seaway.client import calls, failures
from seaway.client.address import Address, address
from seaway.client.answers import Answer, Explained, Health, Labelled, Models, ModelState, Prediction, Served
from seaway.client.policy import Lost, Outcome, Retries, Send, Timeouts, course
from seaway.client.pool import IDLE_S, why
from seaway.client.wire import CHUNK, Call, Reply
from seaway.core import chance
from seaway.core.errors import BrokenContract

Row = TypeVar("Row", bound=Mapping[str, Any])

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pool:
    """At most `most` connections at once, each one task's while it is out."""

    def __init__(self, address: Address, timeouts: Timeouts, most: int) -> None:
        self._address, self._timeouts = address, timeouts
        self._places = asyncio.Semaphore(most)
        self._idle: list[tuple[float, Streams]] = []

    async def send(self, call: Call, until: float) -> Reply | Lost:
        """Send a call once, on a connection that is open already or on a new one."""
        try:
            async with asyncio.timeout(until - chance.monotonic()):
                await self._places.acquire()
        except TimeoutError:
            return Lost("every connection is in use; give the client more `connections`", was_sent=False)
        try:
            return await self._send(call, until)
        finally:
            self._places.release()

    async def _send(self, call: Call, until: float) -> Reply | Lost:
        streams = self._kept()
        if streams is None:
            try:
                streams = await self._connect(until)
            except (OSError, UnicodeError) as error:
                return Lost(why(error), was_sent=False)
        reply, is_good = Reply(), False
        try:
            failure = await self._exchange(streams, call, reply, until)
            is_good = failure is None and reply.keeps_alive
        finally:  # also where the task is cancelled: half a reply must not be read by the next call
            if is_good:
                self._idle.append((chance.monotonic(), streams))
            else:
                streams[1].transport.abort()
        return failure or reply

    async def _exchange(self, streams: Streams, call: Call, reply: Reply, until: float) -> Lost | None:
        reader, writer = streams
        broken: OSError | None = None
        try:
            async with asyncio.timeout(self._left(until)):
                writer.write(call.written(self._address))
                await writer.drain()
        except TimeoutError:
            return Lost("the server does not read", was_sent=True, is_silent=True)
        except OSError as error:
            broken = error
        try:
            while not reply.is_whole:
                async with asyncio.timeout(self._left(until)):
                    data = await reader.read(CHUNK)
                if not data:
                    return Lost(why(broken) if broken else "the connection was closed", was_sent=True)
                reply.feed(data)
        except TimeoutError:
            return Lost("the server was silent for too long", was_sent=True, is_silent=True)
        except OSError as error:
            return Lost(why(broken or error), was_sent=True)
        return None

    def _left(self, until: float) -> float:
        return max(0.0, min(self._timeouts.read_s, until - chance.monotonic()))

    async def _connect(self, until: float) -> Streams:
        where, context = self._address, self._address.context
        async with asyncio.timeout(max(0.0, min(self._timeouts.connect_s, until - chance.monotonic()))):
            streams = await asyncio.open_connection(
                where.host, where.port, ssl=context, server_hostname=where.host if context else None
            )
        streams[1].get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return streams

    def _kept(self) -> Streams | None:
        while self._idle:
            since, (reader, writer) = self._idle.pop()
            if chance.monotonic() - since < IDLE_S and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.transport.abort()
        return None

    async def close(self) -> None:
        """Close what is open."""
        idle, self._idle = self._idle, []
        for _, (_, writer) in idle:
            writer.close()
        for _, (_, writer) in idle:
            with suppress(OSError):
                await writer.wait_closed()


class TypedAsyncClient(Generic[Row, Prediction]):
    """The async counterpart of `TypedClient`, with the same arguments; belongs to the event loop that first asks."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        model: str = "",
        key: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        plain: bool = False,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        connections: int = 16,
    ) -> None:
        self._address = address(url, key=key, ca=ca, plain=plain)
        self._timeouts, self._retries = timeouts or Timeouts(), retries or Retries()
        self._connections = max(1, connections)
        self._pool = _Pool(self._address, self._timeouts, self._connections)
        self.url, self.model = self._address.url, model

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.url!r}, model={self.model!r}, key={'set' if self._address.secret else None})"
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections that are kept open."""
        await self._pool.close()

    # ------------------------------------------------------------------------------------------------ operations

    async def predict(
        self,
        rows: Sequence[Row],
        *,
        options: Mapping[str, Any] | None = None,
        ids: Sequence[Any] | None = None,
        request_id: str = "",
        key: str = "",
        explain: bool = False,
        partial: bool = False,
    ) -> Answer[Prediction]:
        """Ask for predictions; see `TypedClient.predict`."""
        call = calls.predict(
            rows, model=self.model, options=options, ids=ids, request_id=request_id, key=key,
            explain=explain, partial=partial, names=self._retries.times > 0,
        )  # fmt: skip
        form: type[Answer[Prediction]] = Answer[Any]
        return calls.read(await self._ask(call), form, self.url)

    async def predict_many(
        self, rows: Iterable[Row] | AsyncIterable[Row], *, batch: int = 500, concurrency: int = 4, partial: bool = False
    ) -> AsyncIterator[Prediction]:
        """Yield one prediction per row, in order; see `TypedClient.predict_many`."""
        size, width = calls.steps_of(batch, concurrency, self._connections)
        source, offset, is_more = _batches(rows, size), 0, True
        under_way: deque[asyncio.Task[Sequence[Prediction]]] = deque()
        try:
            while is_more or under_way:
                while is_more and len(under_way) < width:
                    part: list[Row] = await anext(source, [])
                    is_more = bool(part)
                    if part:
                        under_way.append(asyncio.create_task(self._batch(part, offset, partial)))
                        offset += len(part)
                if under_way:
                    for one in await under_way.popleft():
                        yield one
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)  # the first error is raised already

    async def explain(self, rows: Sequence[Row]) -> Explained:
        """Ask why: base + attributions = margin, for every case."""
        return calls.read(await self._ask(calls.explain(rows, self.model)), Explained, self.url)

    async def label(self, labels: Sequence[Mapping[str, Any]], *, partial: bool = False) -> Labelled:
        """Report what came true; sent once, and again only where the server did not take it (429, 503)."""
        return calls.read(await self._ask(calls.label(labels, self.model, partial)), Labelled, self.url)

    async def models(self) -> list[ModelState]:
        """Ask which models are served, and with which releases."""
        return calls.read(await self._ask(calls.models()), Models, self.url).models

    async def contract(self) -> Served:
        """Ask for the contract of the release that answers."""
        return calls.read(await self._ask(calls.contract(self.model)), Served, self.url)

    async def health(self) -> Health:
        """Ask once whether the server is ready; see `TypedClient.health`."""
        return calls.read(await self._ask(calls.ready(), Retries(times=0)), Health, self.url, also=(503,))

    async def metrics(self) -> str:
        """Ask for the metrics of all workers, as Prometheus reads them."""
        reply = await self._ask(calls.metrics())
        if reply.status != 200:
            raise failures.failure(reply, self.url)
        return reply.body.decode("utf-8", "replace")

    async def _batch(self, part: list[Row], offset: int, partial: bool) -> Sequence[Prediction]:
        try:
            found = calls.spread(part, (await self.predict(part, partial=partial)).predictions)
            return [failures.placed(one, offset) for one in found]
        except BrokenContract as error:
            raise failures.moved(error, offset) from None

    async def _ask(self, call: Call, retries: Retries | None = None) -> Reply:
        steps = course(call, self.url, self._timeouts, retries or self._retries)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                reply: Reply = done.value
                return reply
            if isinstance(step, Send):
                outcome = await self._pool.send(call, step.until)
            else:
                await asyncio.sleep(step.seconds)
                outcome = None


class AsyncClient(TypedAsyncClient[Mapping[str, Any], dict[str, Any]]):
    """An async client of any model: rows are mappings, predictions are dictionaries."""


async def _batches(rows: Iterable[Row] | AsyncIterable[Row], size: int) -> AsyncIterator[list[Row]]:
    part: list[Row] = []
    async for row in _each(rows):
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


async def _each(rows: Iterable[Row] | AsyncIterable[Row]) -> AsyncIterator[Row]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row
