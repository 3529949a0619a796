"""One release through everything, before it is published: the real server on loopback, asked as clients ask.

The signed bundle is served by a worker process of its own, with a state folder of its own; its parity vectors and real cases
go out as raw JSON over /v1/predict and, where a case is one row of plain values, over /v2/models/{m}/infer. What comes back is
compared by `core.parity`.

This is a release's first load, and counts as one: the worker is a process that serves nothing else, held to the memory and the
time of `load_memory` and `load_s` from before it reads the bundle until it ends. What came through is recorded as proven, so that
a promotion costs no second one.
"""

from __future__ import annotations

import contextlib
import http.client
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seaway.core import bundle as bundles
from seaway.core import canonical, chance, parity
from seaway.core.batch import Array, Json, Query
from seaway.core.bundle import Bundle
from seaway.core.contract import Contract
from seaway.core.errors import Unavailable
from seaway.core.settings import ServeSettings
from seaway.core.verdict import Verdict
from seaway.security.sign import TrustFolder
from seaway.serve import predictions
from seaway.serve.process import Process, Told, listen
from seaway.serve.v2 import tensors

Answer = Mapping[str, Json]
Ask = Callable[[Sequence[Query]], Mapping[str, Array]]

BLOCK, SINGLES = 250, 8
"""Cases per request; the first cases are asked one by one as well."""

ROWS = 5000
"""Rows per request, where a case has many."""

ASKED = (("R020", "parity vectors over /v1/predict"), ("R021", "parity vectors over /v2 infer"))
REAL = (("R022", "real cases over /v1/predict"), ("R023", "real cases over /v2 infer"))


def replay(
    bundle: Path,
    real: Sequence[tuple[Query, Answer]],
    *,
    keys: Path | None = None,
    limits: ServeSettings | None = None,
    timeout_s: float = 120.0,
) -> list[Verdict]:
    """Replay parity vectors and real (query, expected prediction) pairs; `keys` is the folder of trusted keys.

    Verdicts: R020 and R021 for the vectors over /v1 and /v2, R022 and R023 for the real cases. Takes `timeout_s` at most; the
    server has ended when this returns. `limits` tell how much memory the server may hold and how soon it must be ready.
    """
    trusted = keys if keys is not None else bundle.parent / "keys"
    opened = bundles.open_bundle(bundle, TrustFolder(trusted))
    vectors = list(parity.read_vectors(opened.files[bundles.PARITY]))
    expected = parity.expected_of(vectors, opened.contract)
    until = chance.monotonic() + timeout_s
    with _served(bundle, trusted, until, limits or ServeSettings()) as port:
        client = Client(port, opened, until)
        found = _compared(client, ASKED, [vector.query for vector in vectors], expected)
        if real:
            answers = predictions.arrays([prediction for _, prediction in real], opened.contract)
            found += _compared(client, REAL, [query for query, _ in real], answers)
    return found


def _compared(
    client: Client, codes: tuple[tuple[str, str], ...], queries: Sequence[Query], expected: Mapping[str, Array]
) -> list[Verdict]:
    """Ask over both protocols, in blocks and (the first cases) one by one, and compare each with what is expected."""
    found = []
    first = {name: values[:SINGLES] for name, values in expected.items()}
    for (code, what), ask in zip(codes, (client.predict, client.infer), strict=True):
        if ask == client.infer and not is_tensors(queries):
            found.append(_not_tensors(code, what, client.digest))
            continue
        for asked, wanted, size in ((queries, expected, BLOCK), (queries[:SINGLES], first, 1)):
            difference = parity.compare(wanted, _answers(ask, asked, client, size), client.contract, client.tolerance)
            verdict = parity.verdict(code, client.digest, difference, client.tolerance)
            if verdict.outcome == "fail" or asked is queries:
                found.append(msgspec.structs.replace(verdict, message=f"{what}: {verdict.message}"))
    return found


def _answers(ask: Ask, queries: Sequence[Query], client: Client, size: int) -> dict[str, Array]:
    """Ask every query and return the answers in the order of the queries."""
    blocks = together(queries, client.contract, size)
    answers = [ask([queries[place] for place in block]) for block in blocks]
    order = np.argsort(np.concatenate(blocks), kind="stable")
    return {name: np.concatenate([part[name] for part in answers])[order] for name in answers[0]}


def together(queries: Sequence[Query], contract: Contract, size: int = BLOCK) -> list[list[int]]:
    """Return which queries go out in one request: of equal options, and with cases that the server tells apart.

    Single rows are cases of their own. Rows of several series are told apart by their ids, so two queries about one series
    go out in two requests, as do other queries of several rows.
    """
    times: Counter[bytes] = Counter()
    groups: dict[tuple[bytes, int], list[int]] = {}
    ids = [column.name for column in contract.having("id")]
    for place, query in enumerate(queries):
        options, turn = canonical.encode(query.options), 0
        if contract.series is not None or len(query.rows) != 1:
            names = [str(query.rows[0].get(name)) for name in ids] if contract.series is not None and query.rows else []
            case = canonical.encode([query.options, names])
            turn = times[case]
            times[case] += 1
        groups.setdefault((options, turn), []).append(place)
    return [block for group in groups.values() for block in _cut(group, queries, size)]


def _cut(group: Sequence[int], queries: Sequence[Query], size: int) -> Iterator[list[int]]:
    """Cut a group into blocks of at most `size` cases and about `ROWS` rows."""
    block: list[int] = []
    rows = 0
    for place in group:
        count = len(queries[place].rows)
        if block and (len(block) == size or rows + count > ROWS):
            yield block
            block, rows = [], 0
        block.append(place)
        rows += count
    yield block


def is_tensors(queries: Sequence[Query]) -> bool:
    """Say whether every query is one row of plain values, as the tensors of /v2 can hold it."""
    return all(
        len(query.rows) == 1
        and not query.options
        and not any(isinstance(value, list | dict) for value in query.rows[0].values())
        for query in queries
    )


def _not_tensors(code: str, what: str, subject: str) -> Verdict:
    return Verdict(
        code=code,
        outcome="not-applicable",
        subject=subject,
        message=f"{what}: a case of this model is more than one row of plain values, so /v2 does not answer it",
        fix="Clients ask over /v1/predict.",
    )


class Client:
    """Asks one server for the release it was started with."""

    def __init__(self, port: int, opened: Bundle, until: float) -> None:
        self._port, self._until, self._model = port, until, opened.manifest.model
        self.contract, self.digest, self.tolerance = opened.contract, opened.digest, opened.manifest.tolerance

    def predict(self, queries: Sequence[Query]) -> dict[str, Array]:
        """Ask /v1/predict about several cases at once; answers by output name."""
        rows = [row for query in queries for row in query.rows]
        options = {"options": queries[0].options} if queries[0].options else {}
        told = self._post("/v1/predict", {"rows": rows, **options})
        if told.get("release") != self.digest:
            raise _unexpected("/v1/predict answered for another release")
        return predictions.arrays(told["predictions"], self.contract)

    def infer(self, queries: Sequence[Query]) -> dict[str, Array]:
        """Ask /v2 infer with one tensor per column; answers by output name."""
        rows = [query.rows[0] for query in queries]
        told = self._post(f"/v2/models/{self._model}/infer", {"inputs": tensors(rows, self.contract)})
        found = {tensor["name"]: tensor for tensor in told["outputs"]}
        return {
            output.name: np.array(
                [output.labels.index(value) for value in found[output.name]["data"]]
                if output.kind == "code" and output.labels
                else found[output.name]["data"],
                dtype=np.int64 if output.kind == "code" else np.float64,
            ).reshape(found[output.name]["shape"])
            for output in self.contract.outputs
            if output.kind != "document"
        }

    def _post(self, path: str, asked: Json) -> dict[str, Any]:
        left = self._until - chance.monotonic()
        if left <= 0:
            raise _unexpected("the replay took too long")
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=left)
        try:
            connection.request("POST", path, msgspec.json.encode(asked), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            body = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise _unexpected(f"{path}: {error}") from None
        finally:
            connection.close()
        if reply.status != 200:
            raise _unexpected(f"{path} answered {reply.status}: {body[:500].decode(errors='replace')}")
        told: dict[str, Any] = msgspec.json.decode(body)
        return told


@contextlib.contextmanager
def _served(bundle: Path, keys: Path, until: float, limits: ServeSettings) -> Iterator[int]:
    """Run the real server on one bundle, in a process that has ended afterwards whatever happened."""
    with tempfile.TemporaryDirectory(prefix="seaway-replay-") as folder, listen("127.0.0.1", 0) as opened:
        state = Path(folder)
        (state / "serving").mkdir()
        port = int(opened.getsockname()[1])
        settings = ServeSettings(
            port=port, durability="process", poll_s=0.05, segment_bytes=1 << 30, load_memory=limits.load_memory
        )
        ready_by = min(until, chance.monotonic() + limits.load_s)
        told = Told(
            state=folder,
            worker=0,
            handle=opened.fileno(),
            port=port,
            keys=str(keys.resolve()),
            settings=settings,
            bundle=str(bundle.resolve()),
        )
        with (state / "errors").open("w+b") as errors:
            process = Process(told, errors=errors)
            try:
                while not process.is_ready:
                    if process.ended is not None or chance.monotonic() > ready_by:
                        errors.seek(0)
                        raise _unexpected(f"the server did not start: {errors.read()[-1500:].decode(errors='replace')}")
                    chance.sleep(0.02)
                yield port
            finally:
                process.stop()
                process.end(2.0)


def _unexpected(what: str) -> Unavailable:
    return Unavailable(
        f"The replay over HTTP did not get an answer: {what}",
        where="serve.dry_run",
        fix="Nothing was published. Mend what it says and release again.",
        code="replay-failed",
    )
