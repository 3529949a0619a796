"""A34, A35: where a key's text is to be found, how fast a revoked one is refused, and that nothing opens the door again."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seaway.core import chance
from seaway.core.event import Prediction
from seaway.core.settings import ServeSettings
from seaway.registry.store import Registry
from seaway.security import keys
from tests import serving
from tests.attack.wires import free_port
from tests.keyed import Caller, bearer, give
from tests.serving import ROW, Running, running

CALLS = 1000
WORKERS = 2
WITHIN_S = 1.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("keys") / "state"
    state.mkdir()
    serving.make_state(state)
    return state


@pytest.fixture(scope="module")
def state(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("served") / "state"))


@pytest.fixture(scope="module")
def server(state: Path) -> Iterator[Running]:
    """One server for all: the first test makes its first key. Wrong keys are throttled elsewhere (A37), not here."""
    with running(state, free_port(), workers=WORKERS, durability="process", bad_keys=10**6) as started:
        started.wait_until(lambda: len(list((state / "serving").glob("*.json"))) == WORKERS)
        yield started


Spread = Callable[..., list[Caller]]


@pytest.fixture
def spread(server: Running) -> Iterator[Spread]:
    """Open connections, spread over the workers as the kernel does."""
    found: list[Caller] = []

    def opened(count: int = 12) -> list[Caller]:
        found.extend(Caller(server.port) for _ in range(count))
        assert all(caller.ask("GET", "/health/live")[0] == 200 for caller in found)
        return found

    yield opened
    for caller in found:
        caller.close()


def until_all(callers: list[Caller], status: int, headers: dict[str, str]) -> float:
    """Ask over every connection until each has got this status; return the seconds since the call."""
    began, left = time.monotonic(), list(callers)
    while left:
        left = [one for one in left if one.ask("GET", "/v1/models", None, headers)[0] != status]
        assert time.monotonic() - began < 10, f"{len(left)} connections never got {status}"
    return time.monotonic() - began


def everywhere(server: Running, state: Path) -> dict[str, bytes]:
    """Return all that the server left behind or shows: files, what it said, and its processes' command lines and environment."""
    found = {str(path): path.read_bytes() for path in state.parent.rglob("*") if path.is_file()}
    for pid in (server.process.pid, *server.workers()):
        found[f"command {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes()
        found[f"environment {pid}"] = Path(f"/proc/{pid}/environ").read_bytes()
    return found


def disguises(text: str) -> list[bytes]:
    """Return a key's secret as it could stand in a file."""
    secret = text.split("_")[2]
    raw = secret.encode()
    return [raw, raw.hex().encode(), bytes.fromhex(secret), secret.encode("utf-16-le"), base64.b64encode(raw)[:-4]] + [
        base64.b64encode(text.encode()[start:])[4:-4] for start in range(3)
    ]


def test_the_first_key_closes_a_running_server_and_nothing_opens_it_again(
    server: Running, state: Path, spread: Spread
) -> None:
    asking = spread()
    assert {caller.ask("GET", "/v1/models")[0] for caller in asking} == {200}
    assert server.ask("GET", "/health/ready")[2]["keys"] is False
    text, key = give(state, "viewer")
    assert until_all(asking, 401, {}) <= WITHIN_S
    assert server.ask("GET", "/health/ready")[2] == {"ready": True, "keys": True}
    Registry(state).revoke_key(key.id, "test", "the last one")
    until_all(asking, 401, bearer(text))
    for worker in server.workers():  # a worker that starts anew asks as well
        os.kill(worker, signal.SIGKILL)
    chance.sleep(0.3)
    server.wait_until(server.is_ready)
    assert server.ask("GET", "/v1/models")[0] == 401
    server.wait_until(lambda: len(server.workers()) == WORKERS)


def test_a_key_is_found_nowhere_after_a_thousand_calls(server: Running, state: Path, spread: Spread) -> None:
    text, key = give(state, "predictor", name="web")
    asking = spread(4)
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))
    for number in range(CALLS):
        caller, header = asking[number % 4], {"X-API-Key": text} if number % 2 else bearer(text)
        if number % 10:
            assert caller.ask("POST", "/v1/predict", {"rows": [ROW]}, header)[0] == 200
        else:  # refusals and faults of the caller's own leave records and lines too
            assert caller.ask("POST", "/v1/predict", {"rows": [{"amount": []}]}, header)[0] == 422
    logged = [event for event in server.events() if isinstance(event, Prediction)]
    assert len(logged) == CALLS
    assert {event.principal for event in logged} == {"key:web"}
    hits = {name for name, data in everywhere(server, state).items() for one in disguises(text) if one in data}
    assert hits == set()
    assert key.hash.encode() in (state / "registry.db").read_bytes()
    print(f"A34: {CALLS} calls, 0 hits for the raw key in {len(everywhere(server, state))} places")


def test_a_revoked_key_is_refused_by_every_worker_within_a_second(server: Running, state: Path, spread: Spread) -> None:
    text, key = give(state, "viewer")
    asking = spread()
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))
    Registry(state).revoke_key(key.id, "test", "lost")
    seconds = until_all(asking, 401, bearer(text))
    assert seconds <= WITHIN_S
    chance.sleep(0.5)
    assert {caller.ask("GET", "/v1/models", None, bearer(text))[0] for caller in asking} <= {401, 429}
    print(f"A34: revoked and refused over {len(asking)} connections on {WORKERS} workers after {seconds:.2f} s")


def test_a_key_ends_at_its_hour_without_anybody_doing_anything(server: Running, state: Path, spread: Spread) -> None:
    text, _ = give(state, "viewer", days=1.0 / 86_400)
    asking = spread(4)
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))
    assert until_all(asking, 401, bearer(text)) <= 1.0 + WITHIN_S


def test_a_key_store_that_cannot_be_read_opens_to_nobody(server: Running, state: Path, spread: Spread) -> None:
    text, _ = give(state, "viewer")
    asking = spread(6)
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))
    registry = state / "registry.db"
    whole = registry.read_bytes()
    registry.write_bytes(b"no database, whatever it says" * 200)
    until_all(asking, 503, bearer(text))
    assert asking[0].ask("GET", "/v1/models")[0] == 503
    assert asking[0].ask("GET", "/health/live")[0] == 200
    assert asking[0].ask("GET", "/health/ready")[0] == 503
    registry.unlink()
    chance.sleep(0.6)
    assert {caller.ask("GET", "/v1/models")[0] for caller in asking} == {503}
    registry.write_bytes(whole)
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))
    until_all(asking, 401, {})


def test_a_secret_that_others_could_read_opens_to_nobody(server: Running, state: Path, spread: Spread) -> None:
    text, _ = give(state, "viewer")
    asking = spread(6)
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))
    (state / "keys" / keys.SECRET).chmod(0o644)
    _, other = keys.make("b", roles=["viewer"], models=["*"], by="test", secret=b"s")
    Registry(state).add_key(other, "test", "the keys are read again")
    until_all(asking, 503, bearer(text))
    (state / "keys" / keys.SECRET).chmod(0o600)
    until_all(asking, 401, {})
    until_all(asking, 200, bearer(text))


def test_keys_that_are_required_are_asked_for_where_none_was_made(made: Path, tmp_path: Path) -> None:
    assert ServeSettings().keys == "auto"
    unkeyed = Path(shutil.copytree(made, tmp_path / "state"))
    with running(unkeyed, free_port(), keys="required", durability="process") as server:
        assert server.ask("GET", "/v1/models")[0] == 401
        assert server.ask("GET", "/health/ready")[2] == {"ready": True, "keys": True}
        for guess in ("admin", "seaway", "changeme", "sw_", "null", "undefined"):
            assert server.ask("GET", "/v1/models", None, bearer(guess))[0] == 401


def test_a_rate_holds_over_all_workers(server: Running, state: Path, spread: Spread) -> None:
    text, _ = give(state, "viewer", rate=5.0)
    asking = spread()
    chance.sleep(0.5)
    began = time.monotonic()
    replies = [asking[number % len(asking)].ask("GET", "/v1/models", None, bearer(text)) for number in range(200)]
    most = 5 + 5 * (time.monotonic() - began) + 1
    admitted = sum(status == 200 for status, _, _ in replies)
    assert 5 <= admitted <= most
    refused = [headers for status, headers, _ in replies if status == 429]
    assert len(refused) == 200 - admitted
    assert all(int(headers["retry-after"]) >= 1 for headers in refused)
