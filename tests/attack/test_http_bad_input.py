"""Requests that are wrong, on purpose or not: each gets a clear 4xx of the stated form, and the server lives."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seaway.core import chance
from tests import serving
from tests.serving import ROW, Running, running

GOOD = json.dumps({"rows": [ROW]}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("attacked") / "state"
    state.mkdir()
    serving.make_state(state)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(state, port, max_body=2 << 20, durability="process") as started:
        yield started
        assert started.predict()["predictions"]
        assert "Traceback" not in (state.parent / f"server-{port}.txt").read_text()


def row(**changes: Any) -> bytes:
    return json.dumps({"rows": [{**ROW, **changes}]}).encode()


BODIES = {
    "empty": (b"", 400),
    "no JSON": (b"rows", 400),
    "torn": (GOOD[:-5], 400),
    "a list": (b"[]", 400),
    "a number": (b"17", 400),
    "null": (b"null", 400),
    "no rows": (b'{"rows":[]}', 400),
    "rows is an object": (b'{"rows":{}}', 400),
    "rows of numbers": (b'{"rows":[1]}', 400),
    "unknown member": (b'{"rows":[{}],"colour":1}', 400),
    "not a number": (GOOD.replace(b"3000.0", b"NaN"), 400),
    "infinity": (GOOD.replace(b"3000.0", b"Infinity"), 400),
    "beyond double": (GOOD.replace(b"3000.0", b"1e400"), 400),
    "a million digits": (GOOD.replace(b"3000.0", b"9" * 1_000_000), (400, 422)),
    "beyond 64 bits": (row(months=2**63), (200, 422)),
    "duplicate column": (GOOD.replace(b'"months": 24', b'"months": 24, "months": 25'), 400),
    "duplicate rows": (b'{"rows":[{}],"rows":[{}]}', 400),
    "duplicate by escape": (GOOD.replace(b'"months": 24', b'"months": 24, "month\\u0073": 25'), 400),
    "bad UTF-8": (GOOD.replace(b"car", b"\xff\xfe"), 400),
    "lone surrogate": (GOOD.replace(b"car", b"\\ud800"), 400),
    "null character": (row(purpose="\x00"), 200),
    "wrong type": (row(amount="3000"), 422),
    "true for a number": (row(amount=True), 422),
    "a number for true": (row(owner=1), 422),
    "part of an integer": (row(months=24.5), 422),
    "a list for a text": (row(purpose=["car"]), 422),
    "an object for a number": (row(amount={"a": 1}), 422),
    "unknown field": (row(color="red"), 422),
    "a megabyte of text": (row(purpose="x" * 1_000_000), 413),
    "a megabyte of name": (row(**{"x" * 1_000_000: 1}), 413),
    "deep": (b'{"rows":' + b"[" * 250_000 + b"]" * 250_000 + b"}", 400),
    "deep objects": (b'{"rows":' + b'{"a":' * 250_000, 400),
    "deep in a cell": (GOOD.replace(b"3000.0", b"[" * 250_000 + b"]" * 250_000), 400),
    "a bit too deep": (GOOD.replace(b"3000.0", b"[" * 101 + b"]" * 101), (400, 422)),
    "explain is a text": (b'{"rows":[{}],"explain":"yes"}', 400),
    "request_id is a number": (b'{"rows":[{}],"request_id":7}', 400),
    "request_id is long": (json.dumps({"rows": [ROW], "request_id": "x" * 200}).encode(), 400),
    "unknown option": (b'{"rows":[{}],"options":{"horizon":3}}', 400),
    "too few ids": (b'{"rows":[{},{}],"ids":["a"]}', 400),
    "too many rows": (json.dumps({"rows": [{}] * 10_001}).encode(), 413),
}


def check_error(told: Any, status: int) -> None:
    """Hold an error to its form, and to telling nothing about the inside of the server."""
    assert set(told) == {"error"}
    error = told["error"]
    assert {"code", "message", "path", "fix"} <= set(error) <= {"code", "message", "path", "fix", "cells", "count"}
    assert error["code"]
    assert error["message"]
    assert error["fix"]
    text = json.dumps(error)
    for inside in ("Traceback", ".py", "msgspec", "onnxruntime", "numpy", "uvicorn", "site-packages", "0x7f"):
        assert inside not in text, text
    assert not re.search(r"/(home|tmp|usr|var|etc)/", text), text
    assert len(text) < 20_000


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_gets_a_clear_refusal_at_once(server: Running, name: str) -> None:
    body, wanted = BODIES[name]
    began = time.monotonic()
    status, headers, told = server.ask("POST", "/v1/predict", body)
    assert status in (wanted if isinstance(wanted, tuple) else (wanted,)), told
    assert time.monotonic() - began < 2.0
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    if status != 200:
        check_error(told, status)
    if status == 422:
        assert told["error"]["cells"][0]["column"]
        assert told["error"]["path"].startswith("$.rows[0]")


def test_every_broken_cell_of_every_row_is_listed(server: Running) -> None:
    rows = [{"amount": "x", "months": "y"}, ROW, {"owner": "z", "stranger": 1}]
    status, _, told = server.ask("POST", "/v1/predict", {"rows": rows})
    assert status == 422
    found = {(cell["row"], cell["column"]) for cell in told["error"]["cells"]}
    assert found == {(0, "amount"), (0, "months"), (2, "owner"), (2, "stranger")}


def test_an_unseen_category_and_a_missing_value_are_answered(server: Running) -> None:
    told = server.predict({**ROW, "purpose": "boat"}, {**ROW, "amount": None}, {"months": 3})
    assert told["predictions"][0]["flags"] == [{"column": "purpose", "rule": "unseen"}]
    assert "flags" not in told["predictions"][1]
    assert len(told["predictions"]) == 3


@pytest.mark.parametrize("path", ["/v1/labels", "/v1/explain", "/v2/models/credit/infer"])
@pytest.mark.parametrize(
    "name", ["empty", "no JSON", "torn", "a list", "null", "deep", "deep objects", "bad UTF-8", "infinity"]
)
def test_every_door_refuses_what_is_no_request(server: Running, path: str, name: str) -> None:
    status, _, told = server.ask("POST", path, BODIES[name][0])
    assert status == 400, told
    if path.startswith("/v2"):
        assert isinstance(told["error"], str)
    else:
        check_error(told, status)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"]
)
def test_other_media_types_are_415(server: Running, kind: str) -> None:
    status, _, told = server.ask("POST", "/v1/predict", GOOD, {"Content-Type": kind})
    assert status == 415
    check_error(told, status)


def test_a_charset_is_fine_and_a_compressed_body_is_not(server: Running) -> None:
    assert server.ask("POST", "/v1/predict", GOOD, {"Content-Type": "Application/JSON; charset=utf-8"})[0] == 200
    status, _, told = server.ask("POST", "/v1/predict", GOOD, {"Content-Encoding": "gzip"})
    assert status == 415
    check_error(told, status)


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/predict/", "/v1/models/none/predict", "/v1/models//predict", "/v1/models/../predict", "/v3",
     "/v1/models/credit/versions/1/predict", "/v2/models/none/infer", "/health", "/%2e%2e/secret", "/v1/predict%00"],
)  # fmt: skip
def test_what_is_not_there_is_404(server: Running, path: str) -> None:
    status, _, told = server.ask("POST", path, GOOD)
    assert status == 404, told
    if not path.startswith("/v2"):
        check_error(told, status)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/v1/predict", "/metrics", "/health/live", "/v2/models/credit/infer"])
def test_other_methods_are_405_and_say_which_there_are(server: Running, method: str, path: str) -> None:
    status, headers, _ = server.ask(method, path)
    if method == "BREW":
        assert status in (400, 405)
        return
    assert status == 405
    assert "OPTIONS" in headers["allow"]


def test_head_and_options_tell_without_a_body(server: Running) -> None:
    assert server.ask("HEAD", "/health/live")[::2] == (200, b"")
    assert server.ask("HEAD", "/metrics")[0] == 200
    assert server.ask("HEAD", "/v1/predict")[0] == 405
    status, headers, told = server.ask("OPTIONS", "/v1/predict")
    assert (status, headers["allow"], told) == (204, "OPTIONS, POST", b"")
    assert not [name for name in headers if name.startswith("access-control")]


def test_get_doors_answer(server: Running) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/v1/models", "/v1/contract",
                 "/v1/models/credit/contract", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/credit",
                 "/v2/models/credit/ready", "/v2/models/credit/versions/1", "/v2/models/credit/versions/1/ready"):  # fmt: skip
        assert server.ask("GET", path)[0] == 200, path


def test_health_tells_no_version(server: Running) -> None:
    for path in ("/health/live", "/v2/health/live", "/v2/health/ready"):
        _, headers, told = server.ask("GET", path)
        assert set(told) <= {"live", "ready"}
        assert "server" not in headers


def test_a_thousand_kinds_of_noise_never_get_a_500(server: Running) -> None:
    """Change bytes of a good request at random: any 2xx or 4xx will do, a 5xx or a dead server will not."""
    rng = chance.rng("noise")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(1000):
        data = bytearray(GOOD)
        for _ in range(int(rng.integers(1, 6))):
            data[int(rng.integers(0, len(data)))] = int(rng.integers(0, 256))
        connection.request("POST", "/v1/predict", bytes(data), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        told = json.loads(reply.read())
        assert reply.status in (200, 400, 413, 422), told
        assert "null" not in json.dumps(told.get("predictions"))[4:]
    connection.close()


def test_no_state_path_is_ever_told(server: Running) -> None:
    state = str(server.state)
    for path in ("/v1/models", "/v1/contract", "/metrics", "/openapi.json", "/health/ready"):
        _, _, told = server.ask("GET", path)
        assert state not in (told.decode() if isinstance(told, bytes) else json.dumps(told))
    assert Path(state).exists()
