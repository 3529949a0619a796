"""One release through everything, before it is published: the real server on loopback, asked as clients ask.

The signed bundle is served by a worker process of its own, with a state folder of its own; its parity vectors and real rows
go out as raw JSON over /v1/predict and /v2/models/{m}/infer, and what comes back is compared by `core.parity`.
"""

from __future__ import annotations

import contextlib
import http.client
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seaway.core import bundle as bundles
from seaway.core import chance, parity
from seaway.core.batch import Array, Json
from seaway.core.bundle import Bundle
from seaway.core.contract import Contract
from seaway.core.errors import Unavailable
from seaway.core.settings import ServeSettings
from seaway.core.verdict import Verdict
from seaway.security.sign import TrustFolder
from seaway.serve.process import Process, Told, listen
from seaway.serve.v2 import tensors

Row = Mapping[str, Json]

BLOCK, SINGLES = 250, 8
"""Rows per request; the first rows are asked one by one as well."""

ASKED = (("R020", "parity vectors over /v1/predict"), ("R021", "parity vectors over /v2 infer"))
REAL = (("R022", "real rows over /v1/predict"), ("R023", "real rows over /v2 infer"))


def replay(
    bundle: Path, real: Sequence[tuple[Row, Row]], *, keys: Path | None = None, timeout_s: float = 120.0
) -> list[Verdict]:
    """Replay parity vectors and real (row, expected prediction) pairs; `keys` is the folder of trusted keys.

    Verdicts: R020 and R021 for the vectors over /v1 and /v2, R022 and R023 for the real rows. Takes `timeout_s` at most; the
    server has ended when this returns.
    """
    trusted = keys if keys is not None else bundle.parent / "keys"
    opened = bundles.open_bundle(bundle, TrustFolder(trusted))
    vectors = list(parity.read_vectors(opened.files[bundles.PARITY]))
    expected = parity.expected_of(vectors, opened.contract)
    until = chance.monotonic() + timeout_s
    with _served(bundle, trusted, until) as port:
        client = Client(port, opened, until)
        found = _compared(client, ASKED, [vector.row for vector in vectors], expected)
        if real:
            answers = arrays([prediction for _, prediction in real], opened.contract)
            found += _compared(client, REAL, [row for row, _ in real], answers)
    return found


def _compared(
    client: Client, codes: tuple[tuple[str, str], ...], rows: Sequence[Row], expected: Mapping[str, Array]
) -> list[Verdict]:
    """Ask over both protocols, in blocks and (the first rows) one by one, and compare each with what is expected."""
    found = []
    first = {name: values[:SINGLES] for name, values in expected.items()}
    for (code, what), ask in zip(codes, (client.predict, client.infer), strict=True):
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        for asked, wanted in ((blocks, expected), ([[row] for row in rows[:SINGLES]], first)):
            answers = joined([ask(block) for block in asked])
            difference = parity.compare(wanted, answers, client.contract, client.tolerance)
            verdict = parity.verdict(code, client.digest, difference, client.tolerance)
            if verdict.outcome == "fail" or asked is blocks:
                found.append(msgspec.structs.replace(verdict, message=f"{what}: {verdict.message}"))
    return found


class Client:
    """Asks one server for the release it was started with."""

    def __init__(self, port: int, opened: Bundle, until: float) -> None:
        self._port, self._until, self._model = port, until, opened.manifest.model
        self.contract, self.digest, self.tolerance = opened.contract, opened.digest, opened.manifest.tolerance

    def predict(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Ask /v1/predict; answers by output name."""
        told = self._post("/v1/predict", {"rows": rows})
        if told.get("release") != self.digest:
            raise _unexpected("/v1/predict answered for another release")
        return arrays(told["predictions"], self.contract)

    def infer(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Ask /v2 infer with one tensor per column; answers by output name."""
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


def arrays(predictions: Sequence[Row], contract: Contract) -> dict[str, Array]:
    """Turn predictions as /v1 sends them back into arrays by output name."""
    return {
        output.name: np.array(
            [_plain(prediction[output.name], output.labels, output.kind == "code") for prediction in predictions],
            dtype=np.int64 if output.kind == "code" else np.float64,
        )
        for output in contract.outputs
        if output.kind != "document"
    }


def joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Put the answers of several requests behind one another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else {})}


def _plain(value: Json, labels: Sequence[str], is_code: bool) -> Json:
    if isinstance(value, dict):
        return [_plain(value[label], labels, is_code) for label in labels]
    if isinstance(value, list):
        return [_plain(inner, labels, is_code) for inner in value]
    return labels.index(value) if is_code and labels else value


@contextlib.contextmanager
def _served(bundle: Path, keys: Path, until: float) -> Iterator[int]:
    """Run the real server on one bundle, in a process that has ended afterwards whatever happened."""
    with tempfile.TemporaryDirectory(prefix="seaway-replay-") as folder, listen("127.0.0.1", 0) as opened:
        state = Path(folder)
        (state / "serving").mkdir()
        port = int(opened.getsockname()[1])
        settings = ServeSettings(port=port, durability="process", poll_s=0.05, segment_bytes=1 << 30)
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
                    if process.ended is not None or chance.monotonic() > until:
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
