"""A36: a browser on this machine may be made to ask the server by a page of another site: it gets nothing, by any method."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from seaway.core.errors import BadInput
from seaway.security import access
from seaway.serve.routes import ROUTES, Route, Table, live
from tests import serving
from tests.attack import wires
from tests.serving import ROW, Running, running

BODY = json.dumps({"rows": [ROW]}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("sites") / "state"
    state.mkdir()
    serving.make_state(state)
    with running(state, wires.free_port(), durability="process") as started:
        yield started


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8000"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example"},
    {"Host": "10.0.0.1"},
    {"Host": ""},
    {"Host": "[::1].evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://evil.example#@localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nested-document"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
PATHS = ("/v1/models", "/v1/predict", "/v2/models/credit/infer", "/health/live", "/openapi.json", "/nowhere")


def names(headers: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in headers.items())


@pytest.mark.parametrize("headers", FOREIGN, ids=names)
def test_a_foreign_site_gets_nothing(server: Running, headers: dict[str, str]) -> None:
    for method, path in itertools.product(METHODS, PATHS):
        status, found, told = server.ask(method, path, BODY if method in ("POST", "PUT", "PATCH") else None, headers)
        assert status == 403, (method, path)
        assert not [name for name in found if name.startswith("access-control")]
        if method == "HEAD":
            assert told == b""
            continue
        said = json.dumps(told)
        assert "foreign-site" in said
        assert "credit" not in said.replace(path, "")


@pytest.mark.parametrize(
    "twice",
    [("Host: localhost", "Host: evil.example"), ("Host: localhost", "Host: localhost"), ("host: evil.example", "HOST: localhost"),
     ("Origin: http://localhost", "Origin: http://evil.example"), ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site")],
    ids=str,
)  # fmt: skip
def test_what_names_the_site_stands_once(server: Running, twice: tuple[str, str]) -> None:
    """Two programs would believe different ones of the two."""
    fields = twice if twice[0].lower().startswith("host") else ("Host: localhost", *twice)
    for method, path in itertools.product(METHODS, PATHS):
        told = wires.said(server, "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "", ""]).encode())
        assert wires.statuses(told) == [400], (method, path)
        assert b"access-control" not in told.lower()


def test_no_answer_shares_itself_with_other_sites(server: Running) -> None:
    """Also to a page that may ask, no CORS header goes out, so that a browser hands it nothing; a preflight is no exception."""
    page = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for method, path in itertools.product(METHODS, PATHS):
        body = BODY if method in ("POST", "PUT", "PATCH") else None
        for headers in ({}, page):
            _, found, _ = server.ask(method, path, body, headers)
            assert not [name for name in found if name.startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "localhost"}, {"Host": "LOCALHOST:99"}, {"Host": "127.0.0.1:1"}, {"Host": "[::1]:8000"},
     {"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "same-origin"},
     {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "none"}],
    ids=names,
)  # fmt: skip
def test_this_machine_is_answered(server: Running, headers: dict[str, str]) -> None:
    assert server.ask("POST", "/v1/predict", BODY, headers)[0] == 200


def test_every_door_has_an_access_rule_and_one_without_stops_the_start() -> None:
    assert {route.operation for route in ROUTES} <= set(access.OPERATIONS)
    with pytest.raises(BadInput, match="No access rule for: backdoor"):
        Table((*ROUTES, Route("GET", "/backdoor", "backdoor", live)))


def test_every_door_is_found_by_its_own_path() -> None:
    table = Table()
    for route in ROUTES:
        found = table.find(route.path.replace("{model}", "credit").replace("{version}", "3"))
        assert found is not None, route.path
        assert found.methods[route.method] is route
        assert found.model == ("credit" if "{model}" in route.path else "")
        assert found.version == ("3" if "{version}" in route.path else "")
