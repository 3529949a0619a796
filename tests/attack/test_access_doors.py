"""A31, A32: every door, method and path without a key; every role, operation and model with one.

What is expected comes from the access table alone; what the table should say is held in tests/unit/security/test_access.py.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seaway.core import chance
from seaway.core.access import EVERY_MODEL
from seaway.registry.store import Registry
from seaway.security import access, keys
from seaway.serve.routes import OPERATIONS, ROUTES, Route
from tests import credit, serving, shoppers
from tests.keyed import Caller, bearer, give
from tests.serving import ROW, Running, running

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "QUERY", "LINK")
"""What HTTP parsers know; other words are no HTTP to the server and end the connection with 400."""

OPEN = {("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/v2/health/live"), ("GET", "/v2/health/ready")}
MODELS = (credit.MODEL, shoppers.MODEL)
NOWHERE = ("/", "/nowhere", "/v1", "/v1/models/credit/secrets", "/admin", "/v2/repository/index", "/health", "/docs")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release two models once."""
    state = tmp_path_factory.mktemp("doors") / "state"
    state.mkdir()
    serving.make_state(state)
    serving.make_state(state, 1, shoppers)
    return state


@pytest.fixture(scope="module")
def texts(made: Path) -> dict[tuple[str, str], str]:
    """Give one key per role and scope; a scope is a model or every model."""
    scopes = (*MODELS, EVERY_MODEL)
    return {(role, scope): give(made, role, models=(scope,))[0] for role in keys.GRANTED for scope in scopes}


@pytest.fixture(scope="module")
def server(made: Path, texts: dict[tuple[str, str], str]) -> Iterator[Running]:
    with running(made, free(), durability="process") as started:
        started.wait_until(lambda: all(model in everything_of(started, texts) for model in MODELS))
        yield started


def everything_of(server: Running, texts: dict[tuple[str, str], str]) -> str:
    return json.dumps(server.ask("GET", "/v1/models", None, bearer(texts["admin", EVERY_MODEL]))[2])


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def caller(server: Running) -> Iterator[Caller]:
    found = Caller(server.port)
    yield found
    found.close()


def paths(route: Route) -> list[tuple[str, str]]:
    """Return (path, model) for a route: each model by name, or the path as it stands."""
    if "{model}" not in route.path:
        return [(route.path, "")]
    return [(route.path.format(model=model, version="1"), model) for model in MODELS]


EVERY_PATH = sorted({path for route in ROUTES for path, _ in paths(route)})


# -------------------------------------------------------------------------------------------------- without a key


@pytest.mark.parametrize("method", METHODS)
def test_without_a_key_every_method_at_every_path_is_refused_but_health(caller: Caller, method: str) -> None:
    for path in (*EVERY_PATH, *NOWHERE, "/v1/models/unknown/predict"):
        status, headers, told = caller.ask(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
        is_open = ("GET" if method == "HEAD" else method, path) in OPEN
        assert status == (200 if is_open else 401), (method, path)
        assert ("www-authenticate" in headers) != is_open
        assert not [name for name in headers if name.startswith("access-control") or name == "allow"]
        assert not any(word in told.decode() for word in (*MODELS, "sequence", "version"))


def test_a_word_that_is_no_method_gets_nothing(server: Running) -> None:
    for word in ("BREW", "get", "PREDICT"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(f"{word} /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert b" 400 " in connection.recv(65536).partition(b"\r\n")[0]


def test_what_exists_cannot_be_told_from_what_does_not(caller: Caller) -> None:
    def reply(path: str) -> tuple[Any, ...]:
        status, headers, told = caller.ask("GET", path)
        return status, {name: value for name, value in headers.items() if name != "date"}, told

    assert reply("/v1/models/credit/contract") == reply("/v1/models/unknown/contract") == reply("/nowhere")
    assert reply("/v2/models/credit") == reply("/v2/models/unknown") == reply("/v2/nowhere")


def wrong_keys(made: Path) -> dict[str, dict[str, str]]:
    """Return what is no right key: the header by what is wrong with it."""
    good, _ = give(made, "admin")
    stranger, _ = keys.make("stranger", roles=["admin"], models=["*"], by="x", secret=b"another project's secret")
    expired, _ = give(made, "admin", days=1e-9)
    revoked, key = give(made, "admin")
    Registry(made).revoke_key(key.id, "test", "gone")
    return {
        "of another project": bearer(stranger),
        "expired": bearer(expired),
        "revoked": bearer(revoked),
        "cut off": bearer(good[:-1]),
        "one letter changed": bearer(good[:30] + ("0" if good[30] != "0" else "1") + good[31:]),
        "in capitals": bearer(good.upper()),
        "with something behind it": bearer(good + "x"),
        "its id alone": bearer(good[:19]),
        "empty": bearer(""),
        "of another scheme": {"Authorization": f"Basic {good}"},
        "without a scheme": {"Authorization": good},
        "in the path": {"Cookie": f"key={good}"},
        "two at once": {**bearer(good), "X-API-Key": good},
    }


def test_a_wrong_key_opens_no_more_than_none(server: Running, made: Path) -> None:
    wrong = wrong_keys(made)
    chance.sleep(0.5)  # what is revoked and what was just made is known by now
    for number, (what, headers) in enumerate(wrong.items()):
        caller = Caller(server.port, f"127.0.1.{number + 1}")
        status, found, told = caller.ask("GET", "/v1/models", None, headers)
        caller.close()
        assert status == 401, what
        assert "www-authenticate" in found
        assert json.loads(told)["error"]["code"] in ("no-key", "bad-key", "expired-key", "revoked-key")


def test_a_wrong_key_does_not_close_what_is_open(server: Running) -> None:
    for path in ("/health/live", "/health/ready"):
        assert server.ask("GET", path, None, bearer("sw_wrong"))[0] == 200


# ------------------------------------------------------------------------------------------------------ with a key

BODIES: dict[str, Any] = {
    "predict": {"rows": [ROW]},
    "explain": {"rows": [ROW]},
    "label": {"labels": [{"id": "no-case", "value": "good"}]},
}


@pytest.mark.parametrize("role", keys.GRANTED)
def test_each_role_does_what_the_table_says_at_every_door_of_every_model(
    caller: Caller, texts: dict[tuple[str, str], str], role: str
) -> None:
    asked = 0
    for scope, route in itertools.product((*MODELS, EVERY_MODEL), ROUTES):
        models = None if scope == EVERY_MODEL else frozenset({scope})
        who = access.Principal(name="x", roles=frozenset({role}), models=models)  # type: ignore[arg-type]
        for path, model in paths(route):
            body = BODIES.get(route.operation, {}) if route.method == "POST" else None
            status, _, told = caller.ask(route.method, path, body, bearer(texts[role, scope]))
            may = access.allowed(route.operation, who, model)
            assert (status != 403) == may, (role, scope, route.method, path, status)
            assert status not in (401, 405, 429, 500, 503), (role, scope, route.method, path, status, told)
            asked += 1
    assert asked == 3 * (len(ROUTES) + sum("{model}" in route.path for route in ROUTES))


def test_a_key_for_one_model_sees_nothing_of_another(caller: Caller, texts: dict[tuple[str, str], str]) -> None:
    for model, other in (MODELS, MODELS[::-1]):
        for path in ("/v1/models", "/openapi.json"):
            told = caller.ask("GET", path, None, bearer(texts["viewer", model]))[2].decode()
            assert model in told
            assert other not in told
        there = caller.ask("GET", f"/v1/models/{other}/contract", None, bearer(texts["viewer", model]))
        absent = caller.ask("GET", "/v1/models/unknown/contract", None, bearer(texts["viewer", model]))
        assert there[0] == absent[0] == 403
        assert there[2].replace(other.encode(), b"unknown") == absent[2]


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/labels", "/v1/contract"])
def test_leaving_the_model_out_never_gains_a_right(
    caller: Caller, texts: dict[tuple[str, str], str], path: str
) -> None:
    method = "GET" if path.endswith("contract") else "POST"
    for role in keys.GRANTED:
        for body in ({"rows": [ROW]}, {"labels": [], "model": shoppers.MODEL}, {}):
            sent = None if method == "GET" else body
            assert caller.ask(method, path, sent, bearer(texts[role, credit.MODEL]))[0] == 403


def test_the_only_model_is_not_meant_by_a_key_for_another(tmp_path: Path, free_port: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    serving.make_state(state)
    roles = ("predictor", "labeler", "viewer")
    own, other = give(state, *roles, models=(credit.MODEL,))[0], give(state, *roles, models=("churn",))[0]
    with running(state, free_port, durability="process") as server:
        for method, path, body in (
            ("POST", "/v1/predict", {"rows": [ROW]}),
            ("POST", "/v1/explain", {"rows": [ROW]}),
            ("POST", "/v1/labels", {"labels": [{"id": "a", "value": "good"}], "model": credit.MODEL}),
            ("GET", "/v1/contract", None),
        ):
            assert server.ask(method, path, body, bearer(own))[0] in (200, 422), path
            assert server.ask(method, path, body, bearer(other))[0] == 403, path
            assert server.ask(method, path, body)[0] == 401, path


# ----------------------------------------------------------------------------------------------------- the document


def test_the_document_says_for_every_door_what_the_table_says(
    caller: Caller, texts: dict[tuple[str, str], str]
) -> None:
    document = json.loads(caller.ask("GET", "/openapi.json", None, bearer(texts["viewer", EVERY_MODEL]))[2])
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    described = set()
    for path, methods in document["paths"].items():
        named = re.sub(r"/models/[^/]+", "/models/{model}", re.sub(r"/versions/[^/]+", "/versions/{version}", path))
        for method, one in methods.items():
            operation = OPERATIONS[method.upper(), named]
            described.add(operation)
            if access.is_open(operation):
                assert "security" not in one
                continue
            assert one["security"] == [{"bearer": []}, {"header": []}], path
            assert {"401", "403", "429", "503"} <= set(one["responses"]), path
            assert all(role in one["description"] for role in access.OPERATIONS[operation].roles)
    assert described == set(access.OPERATIONS)


def test_a_copy_of_the_registry_without_the_secret_opens_nothing(
    made: Path, texts: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(made, tmp_path / "state"))
    secret = (copy / "keys" / keys.SECRET).read_bytes()
    stolen = Registry(copy).keys()
    text = texts["admin", EVERY_MODEL]
    assert keys.find(text, stolen, secret) is not None
    assert keys.find(text, stolen, bytes(64)) is None
    assert not any(part in (copy / "registry.db").read_bytes() for part in (text.encode(), text.split("_")[2].encode()))
