"""The sync client: safe to share between threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from seaway.client import calls, failures
from seaway.client.address import address
from seaway.client.answers import Answer, Explained, Health, Labelled, Models, ModelState, Prediction, Served
from seaway.client.policy import Outcome, Retries, Send, Timeouts, course
from seaway.client.pool import Pool
from seaway.client.wire import Call, Reply
from seaway.core import chance
from seaway.core.errors import BrokenContract

Row = TypeVar("Row", bound=Mapping[str, Any])


class TypedClient(Generic[Row, Prediction]):
    """A client whose rows and predictions have types; `seaway client stub` writes a subclass for a model's contract.

    `model` "" means the only one served. `key` None takes SEAWAY_KEY of the environment; `ca` is a PEM file of who signed the
    server's certificate. `connections` may be open at once.
    """

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
        self._pool = Pool(self._address, self._timeouts, self._connections)
        self.url, self.model = self._address.url, model

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.url!r}, model={self.model!r}, key={'set' if self._address.secret else None})"
        )

    def __enter__(self) -> Self:
        self._pool.open_again()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.close()

    # ------------------------------------------------------------------------------------------------ operations

    def predict(
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
        """Ask for predictions; the same `request_id` gives the same answer again. `key` fixes the canary's arm.

        With `partial` a refused row has {"error": ...} in its place. Raises the server's errors, and `Unavailable` whose text
        names the request id to ask again with.
        """
        call = calls.predict(
            rows, model=self.model, options=options, ids=ids, request_id=request_id, key=key,
            explain=explain, partial=partial, names=self._retries.times > 0,
        )  # fmt: skip
        form: type[Answer[Prediction]] = Answer[Any]  # a typed row is a plain object: nothing is left to convert
        return calls.read(self._ask(call), form, self.url)

    def predict_many(
        self, rows: Iterable[Row], *, batch: int = 500, concurrency: int = 4, partial: bool = False
    ) -> Iterator[Prediction]:
        """Yield one prediction per row, in order, asking for `batch` rows at once in `concurrency` requests at a time.

        No more rows than are under way are taken from `rows`. Places in errors count from the first row; with `partial` a
        refused row has {"error": ...} in its place. For models that answer row by row.
        """
        size, width = calls.steps_of(batch, concurrency, self._connections)

        def ask(part: list[Row], offset: int) -> Sequence[Prediction]:
            try:
                found = calls.spread(part, self.predict(part, partial=partial).predictions)
                return [failures.placed(one, offset) for one in found]
            except BrokenContract as error:
                raise failures.moved(error, offset) from None

        return _in_order(ask, rows, size, width)

    def explain(self, rows: Sequence[Row]) -> Explained:
        """Ask why: base + attributions = margin, for every case."""
        return calls.read(self._ask(calls.explain(rows, self.model)), Explained, self.url)

    def label(self, labels: Sequence[Mapping[str, Any]], *, partial: bool = False) -> Labelled:
        """Report what came true; sent once, and again only where the server did not take it (429, 503)."""
        return calls.read(self._ask(calls.label(labels, self.model, partial)), Labelled, self.url)

    def models(self) -> list[ModelState]:
        """Ask which models are served, and with which releases."""
        return calls.read(self._ask(calls.models()), Models, self.url).models

    def contract(self) -> Served:
        """Ask for the contract of the release that answers."""
        return calls.read(self._ask(calls.contract(self.model)), Served, self.url)

    def health(self) -> Health:
        """Ask once whether the server is ready: a server that is not says so, one that is not there raises `Unavailable`."""
        reply = self._ask(calls.ready(), Retries(times=0))
        return calls.read(reply, Health, self.url, also=(503,))

    def metrics(self) -> str:
        """Ask for the metrics of all workers, as Prometheus reads them."""
        reply = self._ask(calls.metrics())
        if reply.status != 200:
            raise failures.failure(reply, self.url)
        return reply.body.decode("utf-8", "replace")

    def _ask(self, call: Call, retries: Retries | None = None) -> Reply:
        steps = course(call, self.url, self._timeouts, retries or self._retries)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                reply: Reply = done.value
                return reply
            if isinstance(step, Send):
                outcome = self._pool.send(call, step.until)
            else:
                chance.sleep(step.seconds)
                outcome = None


class Client(TypedClient[Mapping[str, Any], dict[str, Any]]):
    """A client of any model: rows are mappings, predictions are dictionaries."""


def _in_order(
    ask: Callable[[list[Row], int], Sequence[Prediction]], rows: Iterable[Row], size: int, width: int
) -> Iterator[Prediction]:
    """Yield what `ask` says of each batch, in the rows' order, with `width` batches under way at most."""
    source, offset = iter(rows), 0
    under_way: deque[Future[Sequence[Prediction]]] = deque()
    pool = ThreadPoolExecutor(width, thread_name_prefix="seaway-client")
    try:
        while True:
            while len(under_way) < width and (part := list(islice(source, size))):
                under_way.append(pool.submit(ask, part, offset))
                offset += len(part)
            if not under_way:
                return
            yield from under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
