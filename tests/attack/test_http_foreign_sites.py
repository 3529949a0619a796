"""A browser on this machine may be made to ask the server by a page of another site: it gets nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from seaway.core.errors import BadInput
from seaway.security import access
from seaway.serve.routes import ROUTES, Route, Table, live
from tests import serving
from tests.serving import ROW, Running, running

BODY = json.dumps({"rows": [ROW]}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("sites") / "state"
    state.mkdir()
    serving.make_state(state)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(state, port, durability="process") as started:
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
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: "-".join(next(iter(headers.items()))))
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", "/v1/predict"), ("DELETE", "/v1/predict"),
                                              ("OPTIONS", "/v1/predict"), ("GET", "/nowhere")])  # fmt: skip
def test_a_foreign_site_gets_nothing(server: Running, method: str, path: str, headers: dict[str, str]) -> None:
    status, found, told = server.ask(method, path, BODY if method == "POST" else None, headers)
    assert status == 403
    assert told["error"]["code"] == "foreign-site"
    assert "credit" not in json.dumps(told)
    assert not [name for name in found if name.startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "localhost"}, {"Host": "LOCALHOST:99"}, {"Host": "127.0.0.1:1"}, {"Host": "[::1]:8000"},
     {"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "same-origin"}],
    ids=str,
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
