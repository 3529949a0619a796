"""A20 to A23 at every door that takes a body, for a model of rows and one of series: refused at once, in words, at no cost.

The short forms run in `make test`; the long ones (`make soak`) in full numbers, and print what they measured.
"""

from __future__ import annotations

import http.client
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests import credit, sales, serving
from tests.attack import wires
from tests.attack.test_http_bad_input import check_error
from tests.serving import ROW, Running, running

LIMIT = 16 << 20
REPEATS, CHUNKS, ROUNDS, SWELLS = 100, 1_000_000, 100, 1 << 30
"""In `make soak`: every bad body so often; one-byte chunks, and so many times; the bytes that a gzip of 1 MB swells to."""

PLACE = "@@"
"""Stands in a good body where the bad value goes."""

_HISTORY = [*sales.rows("north", 9), {"shop": "north", "day": sales.day(9), "sales": PLACE}]
_LABEL = {"id": "case-1", "value": "good", "row": PLACE}

DOORS: dict[str, tuple[str, Any]] = {
    "predict": ("/v1/models/credit/predict", {"rows": [ROW, {**ROW, "months": PLACE}]}),
    "explain": ("/v1/models/credit/explain", {"rows": [{**ROW, "months": PLACE}]}),
    "labels": ("/v1/models/credit/labels", {"labels": [_LABEL]}),
    "infer": (
        "/v2/models/credit/infer",
        {"inputs": [{"name": "months", "shape": [1], "datatype": "INT64", "data": [PLACE]}]},
    ),
    "series": ("/v1/models/sales/predict", {"rows": _HISTORY}),
    "horizon": ("/v1/models/sales/predict", {"rows": sales.rows("north", 9), "options": {"horizon": PLACE}}),
    "labels of series": (
        "/v1/models/sales/labels",
        {"labels": [{"id": "north", "at": sales.day(9), "value": PLACE}]},
    ),
}

VALUES: dict[str, bytes] = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e400": b"1e400",
    "-1e400": b"-1e400",
    "a million digits": b"9" * 1_000_000,
    "5,000 digits": b"9" * 5_000,
    "beyond double as an integer": b"1" + b"0" * 400,
    "2^64": str(2**64).encode(),
    "2^63": str(2**63).encode(),
    "true": b"true",
    "a text": b'"5"',
    "a list": b"[5]",
    "an object": b'{"a":5}',
    "the same key twice": b'{"a":1,"a":1}',
    "the same key twice, once escaped": b'{"a":1,"\\u0061":1}',
    "a lone surrogate, escaped": b'"\\ud800"',
    "a lone surrogate, raw": b'"\xed\xa0\x80"',
    "a surrogate pair the wrong way round": b'"\\udc00\\ud800"',
    "bad UTF-8": b'"\xff\xfe"',
    "an overlong slash": b'"\xc0\xaf"',
    "a control character": b'"\x01"',
    "depth 101": b"[" * 101 + b"]" * 101,
    "depth 250,000": b"[" * 250_000 + b"]" * 250_000,
    "objects 250,000 deep": b'{"a":' * 250_000 + b"1" + b"}" * 250_000,
    "an open end": b"[" * 250_000,
}
FITTING = {("series", name) for name in ("2^63", "2^64")} | {("labels of series", name) for name in ("2^63", "2^64")}
"""A number column takes any double, and these are doubles."""


def body(door: str, value: bytes) -> bytes:
    """Return a door's body with a value in the place of a good one."""
    return json.dumps(DOORS[door][1]).encode().replace(json.dumps(PLACE).encode(), value)


def twice(door: str) -> list[bytes]:
    """Return a door's good body once for each object in it, whose first key then stands twice."""
    good = body(door, b"3")
    opened = [place for place, byte in enumerate(good) if byte == ord("{") and good[place + 1] == ord('"')]
    return [
        good[: place + 1] + good[place + 1 : good.index(b'"', place + 2) + 1] + b":0," + good[place + 1 :]
        for place in opened
    ]


class Caller:
    """One kept connection, and the longest time that an answer took."""

    def __init__(self, server: Running) -> None:
        self._port, self._connection = server.port, http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.slowest, self.asked = 0.0, 0

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def ask(self, path: str, sent: bytes, **headers: str) -> tuple[int, Any, float]:
        """Return the status, the body, and the seconds from the last byte sent to the whole reply."""
        self._connection.request("POST", path, sent, {"Content-Type": "application/json", **headers})
        began = time.monotonic()
        reply = self._connection.getresponse()
        told = reply.read()
        took = time.monotonic() - began
        self.slowest, self.asked = max(self.slowest, took), self.asked + 1
        return reply.status, json.loads(told), took


@pytest.fixture
def caller(server: Running) -> Iterator[Caller]:
    made = Caller(server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("doors") / "state"
    state.mkdir()
    serving.make_state(state, 1, credit)
    serving.make_state(state, 1, sales)
    with running(state, wires.free_port(), durability="process", max_body=LIMIT) as started:
        yield started
        assert "Traceback" not in (state.parent / f"server-{started.port}.txt").read_text()


def refused(caller: Caller, door: str, sent: bytes, name: str) -> None:
    """Hold one bad body to a refusal that says where, within 100 ms; a busy machine gets three tries."""
    for last in (False, False, True):
        status, told, took = caller.ask(DOORS[door][0], sent)
        if (door, name) in FITTING:
            assert status == 200, (door, name, told)
            return
        assert status in (400, 413, 422), (door, name, status, told)
        if door == "infer":
            assert isinstance(told["error"], str)
        else:
            check_error(told, status)
            assert told["error"]["path"], (door, name, told)
        if took <= 0.1:
            return
        assert not last, (door, name, took)


def every_bad_body(caller: Caller) -> None:
    for door in DOORS:
        for name, value in VALUES.items():
            refused(caller, door, body(door, value), name)
        for number, sent in enumerate(twice(door)):
            refused(caller, door, sent, f"key twice {number}")


def test_every_good_body_is_good(caller: Caller) -> None:
    """The bodies are bad for the value in them, and for nothing else."""
    for door, (path, _) in DOORS.items():
        status, told, _ = caller.ask(path, body(door, b"3"))
        assert status == 200, (door, told)


def test_bad_values_at_every_door_and_double_keys_at_every_level(caller: Caller) -> None:
    every_bad_body(caller)


@pytest.mark.soak
def test_bad_values_again_and_again(server: Running, caller: Caller) -> None:
    (worker,) = server.workers()
    for _ in range(3):
        every_bad_body(caller)
    before = wires.memory_kib(server)
    for _ in range(REPEATS):
        every_bad_body(caller)
    grown = wires.memory_kib(server) - before
    print(
        f"\nA22: {caller.asked:,} bad bodies at {len(DOORS)} doors, slowest answer {caller.slowest * 1e3:.0f} ms, "
        f"memory {grown:+,} KiB, 0 answers 500"
    )
    assert grown <= 4 << 10
    assert server.workers() == [worker]


# ------------------------------------------------------------------------------------------------- A20, A21: sizes


PATHS = sorted({path for path, _ in DOORS.values()})


@pytest.mark.parametrize("path", PATHS)
def test_a_length_over_the_limit_is_refused_at_once_and_unread(server: Running, path: str) -> None:
    took = []
    for length in (LIMIT + 1, 10**10, 2**63 - 1):
        began = time.monotonic()
        told = wires.said(server, wires.post(path, f"Content-Length: {length}"), patience=0.5)
        took.append(time.monotonic() - began)
        assert wires.statuses(told) == [413]
    assert min(took) < 0.05 + 0.02, "0.02 s of it is the rig's own wait"


@pytest.mark.parametrize("path", PATHS)
def test_a_chunked_body_ends_at_the_limit(server: Running, path: str) -> None:
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    told = wires.said(server, wires.post(path, "Transfer-Encoding: chunked") + chunk * (LIMIT // (1 << 20) + 2))
    assert wires.statuses(told) in ([413], [])


def chunked(server: Running, chunks: int, rounds: int) -> int:
    """Send so many one-byte chunks so many times, in turn at every door; return how many KiB the worker has grown."""
    last = b"1\r\n \r\n" * chunks + b"0\r\n\r\n"

    def send(path: str) -> None:
        told = wires.said(server, wires.post(path, "Transfer-Encoding: chunked") + last)
        assert wires.statuses(told) == [400], told[:200]

    for path in PATHS:
        send(path)
    before = wires.memory_kib(server)
    for number in range(rounds):
        send(PATHS[number % len(PATHS)])
    return wires.memory_kib(server) - before


def test_many_tiny_chunks_cost_no_memory(server: Running) -> None:
    assert chunked(server, 50_000, 5) <= 1024


@pytest.mark.soak
def test_a_million_tiny_chunks_a_hundred_times(server: Running) -> None:
    grown = chunked(server, CHUNKS, ROUNDS)
    print(f"\nA20: {ROUNDS} x {CHUNKS:,} one-byte chunks, memory {grown:+,} KiB")
    assert grown <= 1024


def bomb(size: int) -> bytes:
    """Return a gzip that swells to so many bytes."""
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def swells(server: Running, packed: bytes) -> int:
    before = wires.memory_kib(server)
    for path in PATHS:
        for coding in ("gzip", "deflate", "br", "gzip, gzip", "identity, gzip"):
            lines = (f"Content-Encoding: {coding}", f"Content-Length: {len(packed)}")
            assert wires.statuses(wires.said(server, wires.post(path, *lines) + packed)) == [415]
    return wires.memory_kib(server) - before


def test_compressed_bodies_are_not_unpacked(server: Running) -> None:
    assert swells(server, bomb(32 << 20)) <= 20 << 10


@pytest.mark.soak
def test_a_gzip_of_a_gigabyte_is_not_unpacked(server: Running) -> None:
    packed = bomb(SWELLS)
    grown = swells(server, packed)
    print(f"\nA21: gzip of {len(packed):,} bytes that swells to {SWELLS:,}: 415, memory {grown:+,} KiB")
    assert grown <= 20 << 10


# ---------------------------------------------------------------------------------------------------- A23: tensors

SHAPES: tuple[Any, ...] = (
    [], [0], [-1], [2], [1, 2], [2, 1], [1, 1, 1], [2**31, 2**31], [2**63], [-(2**63)], [10**30], [1.5], ["1"],
    [None], [True], [[1]], None, 1, "1", {}, [1] * 10_000,
)  # fmt: skip


def tensors(**changes: Any) -> bytes:
    tensor = {"name": "months", "shape": [1], "datatype": "INT64", "data": [3], **changes}
    return json.dumps({"inputs": [{key: value for key, value in tensor.items() if value is not ...}]}).encode()


MISMATCHES: dict[str, bytes] = {
    **{f"shape {json.dumps(shape)[:40]}": tensors(shape=shape) for shape in SHAPES},
    **{f"no {name}": tensors(**{name: ...}) for name in ("name", "shape", "datatype", "data")},
    "no data": tensors(data=[]),
    "too much data": tensors(data=[1, 2]),
    "data nested": tensors(data=[[[1]]]),
    "data as bytes": tensors(data="AAAA"),
    "another datatype": tensors(datatype="BYTES", data=["x"]),
    "no datatype there is": tensors(datatype="FP1000000"),
    "a column that is none": tensors(name="nothing"),
    "shapes that differ": json.dumps(
        {
            "inputs": [
                {"name": "months", "shape": [1], "datatype": "INT64", "data": [3]},
                {"name": "amount", "shape": [2], "datatype": "FP64", "data": [3, 4]},
            ]
        }
    ).encode(),
    "a tensor twice": json.dumps(
        {"inputs": [{"name": "months", "shape": [1], "datatype": "INT64", "data": [3]}] * 2}
    ).encode(),
    "more rows than are taken": tensors(shape=[10_001], data=[3] * 10_001),
    "no tensors": b'{"inputs":[]}',
    "an output that is none": json.dumps(
        {
            "inputs": [{"name": "months", "shape": [1], "datatype": "INT64", "data": [3]}],
            "outputs": [{"name": "nothing"}],
        }
    ).encode(),
}


def mismatched(caller: Caller) -> None:
    for name, sent in MISMATCHES.items():
        for last in (False, False, True):
            status, told, took = caller.ask("/v2/models/credit/infer", sent)
            assert status in (400, 413, 422), (name, status, told)
            assert isinstance(told["error"], str)
            if took <= 0.1:
                break
            assert not last, (name, took)


def test_tensors_that_do_not_fit_are_refused(caller: Caller) -> None:
    mismatched(caller)


@pytest.mark.soak
def test_tensors_that_do_not_fit_again_and_again(server: Running, caller: Caller) -> None:
    mismatched(caller)
    before = wires.memory_kib(server)
    for _ in range(REPEATS):
        mismatched(caller)
    grown = wires.memory_kib(server) - before
    print(f"\nA23: {caller.asked:,} tensors, slowest answer {caller.slowest * 1e3:.0f} ms, memory {grown:+,} KiB")
    assert grown <= 10 << 10
