"""Bytes that are no proper HTTP/1.1, by hand and made up: a 4xx in words or a closed door, and the server lives.

Where two programs could read two different messages out of the same bytes, they are refused (RFC 9112, section 11.2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from seaway.core import chance
from tests import serving
from tests.attack import wires
from tests.attack.test_http_bad_input import check_error
from tests.serving import ROW, Running, running

BODY = json.dumps({"rows": [ROW]}).encode()
PATH = b"/v1/models/credit/predict"
HEAD = b"Host: localhost\r\nContent-Type: application/json\r\n"
SIZED = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

SHORT, SOAK = 400, 100_000
"""Made-up messages, in `make test` and in `make soak`."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("framed") / "state"
    state.mkdir()
    serving.make_state(state)
    with running(state, wires.free_port(), durability="process") as started:
        yield started
        assert started.predict()["predictions"]
        assert "Traceback" not in (state.parent / f"server-{started.port}.txt").read_text()


def post(heads: bytes = HEAD, body: bytes = BODY, target: bytes = PATH, version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST " + target + b" " + version + b"\r\n" + heads + b"\r\n" + body


def many(count: int) -> bytes:
    return b"".join(b"X-%d: a\r\n" % number for number in range(count))


MESSAGES: dict[str, tuple[bytes, int]] = {
    "two lengths, the same": (post(HEAD + SIZED + SIZED), 400),
    "two lengths": (post(HEAD + SIZED + b"Content-Length: 5\r\n"), 400),
    "a list of lengths": (post(HEAD + b"Content-Length: 28, 28\r\n"), 400),
    "a negative length": (post(HEAD + b"Content-Length: -5\r\n"), 400),
    "a length with a sign": (post(HEAD + b"Content-Length: +5\r\n"), 400),
    "a length in hex": (post(HEAD + b"Content-Length: 0x1c\r\n"), 400),
    "no length in it": (post(HEAD + b"Content-Length: \r\n"), 400),
    "a length of 2^64": (post(HEAD + b"Content-Length: 18446744073709551616\r\n"), 400),
    "a length and chunks": (post(HEAD + SIZED + CHUNKED, IN_CHUNKS), 400),
    "chunks and a length": (post(HEAD + CHUNKED + SIZED, IN_CHUNKS), 400),
    "chunked twice": (post(HEAD + CHUNKED + CHUNKED, IN_CHUNKS), 400),
    "gzip, then chunked": (post(HEAD + b"Transfer-Encoding: gzip, chunked\r\n", IN_CHUNKS), 400),
    "chunked, then another": (post(HEAD + b"Transfer-Encoding: chunked, identity\r\n", IN_CHUNKS), 400),
    "an unknown coding": (post(HEAD + b"Transfer-Encoding: xchunked\r\n", IN_CHUNKS), 400),
    "a chunk of negative size": (post(HEAD + CHUNKED, b"-1\r\n" + BODY), 400),
    "a chunk without end": (post(HEAD + CHUNKED, b"f" * 17 + b"\r\n" + BODY), 400),
    "an endless chunk extension": (post(HEAD + CHUNKED, b"1c;a=" + b"b" * 3_000_000), 431),
    "endless trailers": (post(HEAD + CHUNKED, IN_CHUNKS[:-2] + many(100_000)), 431),
    "one endless trailer": (post(HEAD + CHUNKED, IN_CHUNKS[:-2] + b"X: " + b"a" * 3_000_000), 431),
    "lines that end in LF": (post(HEAD + SIZED).replace(b"\r\n", b"\n"), 400),
    "a space before the colon": (post(b"Host : localhost\r\n" + SIZED), 400),
    "a folded header": (post(HEAD + SIZED + b"X: a\r\n b\r\n"), 400),
    "a zero in a header": (post(HEAD + SIZED + b"X: a\0b\r\n"), 400),
    "two hosts": (post(HEAD + SIZED + b"Host: localhost\r\n"), 400),
    "two hosts, one foreign": (post(b"Host: evil.example\r\n" + HEAD + SIZED), 400),
    "two content types": (post(HEAD + SIZED + b"Content-Type: text/plain\r\n"), 400),
    "two keys": (post(HEAD + SIZED + b"X-API-Key: a\r\nX-API-Key: b\r\n"), 400),
    "an origin that is none": (post(HEAD + SIZED + b"Origin: http://[\r\n"), 403),
    "HTTP/2.0": (post(HEAD + SIZED, version=b"HTTP/2.0"), 505),
    "HTTP/0.9": (b"GET /v1/models\r\n\r\n", 505),
    "HTTP/2 by heart": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "every byte": (bytes(range(256)) * 4, 400),
    "a whole address elsewhere": (post(HEAD + SIZED, target=b"http://evil.example" + PATH), 400),
    "CONNECT": (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "CONNECT with a body": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HEAD + SIZED + b"\r\n" + BODY, 400),
    "a fragment": (post(HEAD + SIZED, target=PATH + b"#x"), 400),
    "a long path": (post(HEAD + SIZED, target=b"/" + b"a" * 9_000), 414),
    "an endless path": (post(HEAD + SIZED, target=b"/" + b"a" * 3_000_000), 414),
    "a long header": (post(HEAD + SIZED + b"X: " + b"a" * 70_000 + b"\r\n"), 431),
    "an endless header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 3_000_000, 431),
    "101 headers": (post(HEAD + SIZED + many(101)), 431),
    "100,000 headers": (post(HEAD + SIZED + many(100_000)), 431),
    "an escaped slash": (post(HEAD + SIZED, target=b"/v1/models%2fcredit/predict"), 404),
    "an escaped letter": (post(HEAD + SIZED, target=b"/v1/models/%63redit/predict"), 404),
    "an escape that is none": (post(HEAD + SIZED, target=b"/v1/%zz"), 404),
    "two dots": (post(HEAD + SIZED, target=b"/v1/models/../models/credit/predict"), 404),
    "two slashes": (post(HEAD + SIZED, target=b"//v1/predict"), 404),
    "a semicolon": (post(HEAD + SIZED, target=PATH + b";x=1"), 404),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_no_proper_message(server: Running, name: str) -> None:
    message, wanted = MESSAGES[name]
    told = wires.said(server, message)
    assert wires.statuses(told)[:1] == [wanted], told[:300]
    assert len(wires.statuses(told)) == 1
    body = told.partition(b"\r\n\r\n")[2]
    check_error(json.loads(body), wanted)


def test_what_is_proper_is_answered(server: Running) -> None:
    """The same messages, whole."""
    for message in (
        post(HEAD + SIZED),
        post(HEAD + CHUNKED, IN_CHUNKS),
        post(HEAD + CHUNKED, IN_CHUNKS[:-2] + b"X: y\r\n\r\n"),
        post(HEAD + SIZED, target=b"http://localhost" + PATH),
        post(HEAD + SIZED, target=PATH + b"?a=1"),
        post(HEAD + SIZED + many(50)),
        b"\r\n\r\n" + post(HEAD + SIZED),
    ):
        assert wires.statuses(wires.said(server, message)) == [200], message[:200]


def test_a_trailer_is_no_header(server: Running) -> None:
    """What comes behind the body must not decide who asks for what."""
    foreign = HEAD.replace(b"localhost", b"evil.example")
    told = wires.said(server, post(foreign + CHUNKED, IN_CHUNKS[:-2] + b"Host: localhost\r\n\r\n"))
    assert wires.statuses(told) == [403]


def test_a_broken_message_behind_good_ones_does_not_cut_their_answers(server: Running) -> None:
    good = post(HEAD + SIZED)
    for broken in (b"\x00garbage\r\n\r\n", post(HEAD + b"Content-Length: -1\r\n"), post(HEAD + CHUNKED, b"-1\r\n")):
        told = wires.said(server, good * 3 + broken)
        assert wires.statuses(told) == [200, 200, 200, 400], told[-300:]


OFFERS = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n",
)
"""The second is what Java's HttpClient sends with its first request."""


@pytest.mark.parametrize("offer", OFFERS, ids=("websocket", "h2c"))
@pytest.mark.parametrize("body", [SIZED + b"%s\r\n" + BODY, CHUNKED + b"%s\r\n" + IN_CHUNKS], ids=("sized", "chunked"))
def test_an_offer_to_upgrade_is_ignored(server: Running, offer: bytes, body: bytes) -> None:
    """RFC 9110, section 7.8: the request is answered in HTTP/1.1, its body read by its framing, and the connection goes on."""
    asked = b"POST " + PATH + b" HTTP/1.1\r\n" + HEAD + body.replace(b"%s", offer, 1)
    plain = b"GET /v1/models HTTP/1.1\r\n" + HEAD + offer + b"\r\n"
    for message in (asked, plain, asked * 3, plain * 3, asked + plain + asked, plain + asked):
        wanted = message.count(b" HTTP/1.1\r\n")
        assert wires.statuses(wires.said(server, message)) == [200] * wanted
        assert wires.statuses(wires.said(server, message, piece=16)) == [200] * wanted
    assert b"switching" not in wires.said(server, asked).lower()


@pytest.mark.parametrize("offer", OFFERS, ids=("websocket", "h2c"))
@pytest.mark.parametrize(
    "framing",
    [
        SIZED + CHUNKED,
        SIZED + SIZED,
        b"Content-Length: -1\r\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding: gzip\r\n",
    ],
)
def test_an_offer_excuses_no_framing_that_is_refused_without_it(server: Running, offer: bytes, framing: bytes) -> None:
    for head in (framing + offer, offer + framing):
        told = wires.said(server, post(HEAD + head))
        assert wires.statuses(told) == [400], told
        assert b"connection: close" in told.lower()


# ----------------------------------------------------------------------------------------------------------- made up

METHODS = (b"POST", b"GET", b"HEAD", b"OPTIONS", b"PUT", b"TRACE", b"CONNECT", b"post", b"", b"G\x00T", b"PRI")
TARGETS = (PATH, b"/v1/models", b"/v2/models/credit/infer", b"/v1/labels", b"*", b"/%", b"//", b"/" + b"a" * 5_000, b"")
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"", b"HTTP/1.1 ")
FIELDS = (
    HEAD, SIZED, CHUNKED, b"Content-Length: 0\r\n", b"Content-Length: 99999\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Host: evil.example\r\n", b"X\r\n", b": x\r\n",
    b"X: \xff\xfe\r\n", b"Origin: null\r\n", b"Content-Encoding: gzip\r\n", b"Authorization: Bearer \x00\r\n", many(120),
    b"Content-Type: application/json; charset=\"\r\n",
)  # fmt: skip
BODIES = (BODY, IN_CHUNKS, b"", b"{", b"0\r\n\r\n", b"5\r\n", b"\xff" * 40, b'{"rows":' * 50, IN_CHUNKS[:-5])


def made_up(rng: np.random.Generator) -> bytes:
    """Put a message together from good and bad parts, often a good one; then change, cut or double some of its bytes."""

    def one(parts: tuple[bytes, ...], good: float) -> bytes:
        return parts[0] if rng.random() < good else parts[int(rng.integers(len(parts)))]

    heads = HEAD * int(rng.random() < 0.9) + b"".join(one(FIELDS[1:], 0.3) for _ in range(int(rng.integers(0, 4))))
    first = one(METHODS, 0.7) + b" " + one(TARGETS, 0.6) + b" " + one(VERSIONS, 0.8) + b"\r\n"
    message = bytearray(first + heads + b"\r\n" + one(BODIES, 0.5))
    for _ in range(int(rng.integers(0, 4))):
        place = int(rng.integers(len(message)))
        kind = int(rng.integers(4))
        if kind == 0:
            message[place] = int(rng.integers(256))
        elif kind == 1:
            del message[place : place + int(rng.integers(1, 20))]
        elif kind == 2:
            message[place:place] = message[place : place + int(rng.integers(1, 60))]
        else:
            message[place:place] = (b"\r\n", b"\0", b"\xff", b" ", b"%", b"\r\n\r\n")[int(rng.integers(6))]
    return bytes(message) * int(rng.choice((1, 1, 1, 2, 5)))


def fuzz(server: Running, count: int) -> dict[int, int]:
    """Send so many made-up messages; return how often each status was told (0: none)."""
    rng = chance.rng("framing")
    workers, told = server.workers(), dict[int, int]()
    for number in range(count):
        message = made_up(rng)
        found = wires.said(server, message, patience=0.05) if message else b""
        for status in wires.statuses(found) or [0]:
            assert status < 500 or status == 505, (number, message, found[:500])
            told[status] = told.get(status, 0) + 1
    assert server.workers() == workers, "a worker has died"
    assert server.predict()["predictions"]
    return dict(sorted(told.items()))


def test_made_up_messages(server: Running) -> None:
    told = fuzz(server, SHORT)
    assert {200, 400} <= set(told)


@pytest.mark.soak
def test_a_hundred_thousand_made_up_messages(server: Running) -> None:
    print(f"\nRaw bytes: {SOAK:,} messages, replies by status (0: none): {fuzz(server, SOAK)}, 0 workers died")
