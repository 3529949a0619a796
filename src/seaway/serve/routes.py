"""Every door of the server: method, path, the operation that the access table must name, and the handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version as installed
from typing import NamedTuple

from seaway.core.batch import Json
from seaway.core.errors import NotFound, Unavailable
from seaway.security import access
from seaway.security.access import Principal
from seaway.serve import http, openapi, rights, v2
from seaway.serve.door import Door
from seaway.serve.handlers import Handlers
from seaway.serve.http import Reply
from seaway.serve.releases import Loaded, Serving
from seaway.serve.state import Standing, arms


class Ask(NamedTuple):
    """One request after its protocol: the body, and what the path names."""

    body: bytes
    model: str
    version: str
    principal: Principal


class Server(NamedTuple):
    """What handlers of routes may use."""

    handlers: Handlers
    standing: Standing
    door: Door


Call = Callable[[Server, Ask], Awaitable[Reply]]


Soon = Callable[[Server, "Admitted", bytes, Callable[[Reply], None]], bool]
"""Answers by the end of this turn of the loop, or says that the request is none for it and has to be called for."""


class Route(NamedTuple):
    """One door."""

    method: str
    path: str
    operation: str
    call: Call
    soon: Soon | None = None


class Admitted(NamedTuple):
    """A request whose body may come: the door, what the path names, and who asks."""

    route: Route
    model: str
    version: str
    principal: Principal
    path: str


def predict_soon(server: Server, admitted: Admitted, data: bytes, done: Callable[[Reply], None]) -> bool:
    """POST predict, where the request is an ordinary one."""
    return server.handlers.predict_soon(data, admitted.model, admitted.principal.name, done)


async def predict(server: Server, ask: Ask) -> Reply:
    """POST predict."""
    return await server.handlers.predict(ask.body, ask.model, ask.principal.name)


async def explain(server: Server, ask: Ask) -> Reply:
    """POST explain."""
    return await server.handlers.explain(ask.body, ask.model, ask.principal.name)


async def label(server: Server, ask: Ask) -> Reply:
    """POST labels."""
    return await server.handlers.label(ask.body, ask.model, ask.principal.name)


async def contract(server: Server, ask: Ask) -> Reply:
    """GET the contract of the release that answers."""
    serving = server.handlers.models[ask.model]
    loaded = serving.champion
    found = {"model": serving.model, "release": loaded.digest, "digest": loaded.contract.digest}
    return Reply(200, http.encode({**found, "contract": loaded.contract}), model=serving.model)


async def models(server: Server, ask: Ask) -> Reply:
    """GET the models and their releases by part."""
    found = [
        {
            "name": name,
            "release": serving.champion.digest,
            "version": serving.champion.version,
            "sequence": serving.assignment.sequence,
            "share": serving.assignment.canary[1] if serving.assignment.canary else 0.0,
            "arms": [_arm(arm, loaded) for arm, loaded in arms(serving)],
        }
        for name, serving in sorted(_seen(server, ask).items())
    ]
    return Reply(200, http.encode({"models": found}))


def _seen(server: Server, ask: Ask) -> Mapping[str, Serving]:
    """Return the served models that the caller may know of."""
    return {name: serving for name, serving in server.handlers.models.by_name.items() if ask.principal.sees(name)}


def _arm(arm: str, loaded: Loaded) -> dict[str, Json]:
    return {
        "arm": arm,
        "release": loaded.digest,
        "version": loaded.version,
        "contract": loaded.contract.digest,
        "engine": loaded.front.answering,
    }


async def metrics(server: Server, ask: Ask) -> Reply:
    """GET metrics of all workers."""
    return Reply(200, server.standing.exposition(), http.TEXT)


async def described(server: Server, ask: Ask) -> Reply:
    """GET the OpenAPI document."""
    document = openapi.document(_seen(server, ask), installed("seaway"), server.handlers.settings)
    if len(server.handlers.models.by_name) > 1:  # a caller with rights for one of them names it all the same
        document["paths"] = {path: one for path, one in document["paths"].items() if path not in UNNAMED}
    return Reply(200, http.encode(rights.add(document, OPERATIONS, asks=server.door.asks)))


async def live(server: Server, ask: Ask) -> Reply:
    """GET whether the process answers."""
    return Reply(200, b'{"live":true}')


async def ready(server: Server, ask: Ask) -> Reply:
    """GET whether requests should come here; why not, and which releases answer, only to those who may know of models."""
    status, found = server.standing.ready(access.allowed("models", ask.principal))
    return Reply(status, http.encode(found), http.JSON + (http.RETRY if status == 503 else ()))


async def v2_server(server: Server, ask: Ask) -> Reply:
    """GET the server's name."""
    return v2.server(installed("seaway"))


async def v2_ready(server: Server, ask: Ask) -> Reply:
    """GET readiness in the protocol's form."""
    is_ready = server.standing.is_ready
    return Reply(200 if is_ready else 503, http.encode({"ready": is_ready}))


async def v2_model(server: Server, ask: Ask) -> Reply:
    """GET a model's inputs and outputs."""
    serving = server.handlers.models[ask.model]
    loaded = next((one for one in serving.releases if str(one.version) == ask.version), serving.champion)
    if ask.version and str(loaded.version) != ask.version:
        raise NotFound(
            f"Version {ask.version[:20]!r} is not held",
            where=f"/v2/models/{serving.model}",
            fix="Leave the version out.",
        )
    return v2.metadata(loaded, serving.model)


async def v2_model_ready(server: Server, ask: Ask) -> Reply:
    """GET whether a model answers."""
    try:
        serving = server.handlers.models[ask.model]
    except Unavailable:
        return Reply(503, http.encode({"name": ask.model, "ready": False}))
    return Reply(200, http.encode({"name": serving.model, "ready": True}), model=serving.model)


async def v2_infer(server: Server, ask: Ask) -> Reply:
    """POST an inference request."""
    return await v2.infer(server.handlers, ask.body, ask.model, ask.version, ask.principal.name)


_V2 = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"

ROUTES: tuple[Route, ...] = (
    # Add a door here, and its operation to security/access.py: without one the server does not start.
    Route("POST", "/v1/predict", "predict", predict, predict_soon),
    Route("POST", "/v1/models/{model}/predict", "predict", predict, predict_soon),
    Route("POST", "/v1/labels", "label", label),
    Route("POST", "/v1/models/{model}/labels", "label", label),
    Route("POST", "/v1/explain", "explain", explain),
    Route("POST", "/v1/models/{model}/explain", "explain", explain),
    Route("GET", "/v1/contract", "contract", contract),
    Route("GET", "/v1/models/{model}/contract", "contract", contract),
    Route("GET", "/v1/models", "models", models),
    Route("GET", "/openapi.json", "openapi", described),
    Route("GET", "/metrics", "metrics", metrics),
    Route("GET", "/health/live", "live", live),
    Route("GET", "/health/ready", "ready", ready),
    Route("GET", "/v2", "server", v2_server),
    Route("GET", "/v2/health/live", "live", live),
    Route("GET", "/v2/health/ready", "ready", v2_ready),
    Route("GET", _V2, "metadata", v2_model),
    Route("GET", f"{_V2}/ready", "metadata", v2_model_ready),
    Route("POST", f"{_V2}/infer", "predict", v2_infer),
    Route("GET", _VERSION, "metadata", v2_model),
    Route("GET", f"{_VERSION}/ready", "metadata", v2_model_ready),
    Route("POST", f"{_VERSION}/infer", "predict", v2_infer),
)

OPERATIONS = {(route.method, route.path): route.operation for route in ROUTES}

UNNAMED = frozenset(
    route.path
    for route in ROUTES
    if "{model}" not in route.path
    and access.OPERATIONS.get(route.operation, access.OPERATIONS["live"]).about == "model"
)
"""Paths that mean the only model served."""


class Found(NamedTuple):
    """The doors of one path by method, and what the path names."""

    methods: Mapping[str, Route]
    model: str = ""
    version: str = ""


class Table:
    """Finds routes by path. Making one fails where the access table does not name an operation."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        access.refuse_undeclared(route.operation for route in routes)
        self._plain: dict[str, Found] = {}
        self._named: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            if "{" in route.path:
                key = tuple("" if part.startswith("{") else part for part in route.path.split("/")[1:])
                self._named.setdefault(key, {})[route.method] = route
            else:
                known = self._plain.get(route.path)
                self._plain[route.path] = Found({**(known.methods if known else {}), route.method: route})

    def find(self, path: str) -> Found | None:
        """Return the doors of a path, or None."""
        found = self._plain.get(path)
        if found is not None:
            return found
        parts = path.split("/")[1:]
        if len(parts) < 3 or len(parts) > 6 or parts[1] != "models" or not parts[2]:
            return None
        model, version, key = parts[2], "", [*parts[:2], "", *parts[3:]]
        if len(parts) > 4 and parts[3] == "versions" and parts[4]:
            version, key[4] = parts[4], ""
        methods = self._named.get(tuple(key))
        return Found(methods, model, version) if methods else None
