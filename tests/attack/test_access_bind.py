"""A33: other machines reach a server only with keys over TLS, or because somebody said in words that they may without."""

from __future__ import annotations

import itertools
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from seaway.core.errors import BadInput
from seaway.core.settings import ServeSettings
from seaway.registry.store import Registry
from seaway.serve import supervise
from tests import serving
from tests.keyed import Caller, bearer, certificate, give
from tests.serving import ROW, Running, running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    serving.make_state(made)
    return made


def said(server: Running) -> str:
    return (server.state.parent / f"server-{server.port}.txt").read_text()


@pytest.mark.parametrize(("has_keys", "is_required", "has_tls"), list(itertools.product((False, True), repeat=3)))
def test_the_door_opens_to_other_machines_with_keys_and_tls_only(
    state: Path, has_keys: bool, is_required: bool, has_tls: bool
) -> None:
    if has_keys:
        give(state, "viewer")
    if has_tls and (has_keys or is_required):
        return  # what is let in is shown below, by a server
    files = certificate(state.parent / "tls") if has_tls else ("", "")
    settings = ServeSettings(
        host="0.0.0.0",
        port=0,
        keys="required" if is_required else "auto",
        tls_cert=str(files[0]),
        tls_key=str(files[1]),
    )
    with pytest.raises(BadInput, match=r"Other machines can reach '0\.0\.0\.0'") as raised:
        supervise.serve(state, settings)
    assert ("no keys" in raised.value.what) == (not has_keys and not is_required)
    assert ("no TLS" in raised.value.what) == (not has_tls)
    assert not (state / "serving").exists()


def test_no_project_has_a_key_that_nobody_made(state: Path) -> None:
    assert Registry(state).keys() == {}
    assert not (state / "keys" / "access.secret").exists()


def test_with_keys_and_tls_other_machines_are_served(state: Path, free_port: int) -> None:
    text, _ = give(state, "predictor", "viewer")
    cert, key = certificate(state.parent / "tls", "ml.example")
    tls: dict[str, Any] = {"tls_cert": str(cert), "tls_key": str(key), "hosts": ("ml.example",)}
    trusting = ssl.create_default_context(cafile=str(cert))
    with running(state, free_port, host="0.0.0.0", durability="process", **tls) as server:
        caller = Caller(server.port, context=trusting)
        status, headers, _ = caller.ask("POST", "/v1/predict", {"rows": [ROW]}, bearer(text))
        assert status == 200
        assert "access-control-allow-origin" not in headers
        assert caller.ask("GET", "/v1/models")[0] == 401
        assert caller.ask("GET", "/v1/models", None, {**bearer(text), "Host": "ml.example"})[0] == 200
        assert caller.ask("GET", "/v1/models", None, {**bearer(text), "Host": "other.example"})[0] == 403
        own = {"Host": "ml.example", "Origin": "https://ml.example"}
        assert caller.ask("GET", "/v1/models", None, {**bearer(text), **own})[0] == 200
        foreign = {"Host": "ml.example", "Origin": "https://ml.example.evil.example"}
        assert caller.ask("GET", "/v1/models", None, {**bearer(text), **foreign})[0] == 403
        caller.close()
        server.wait_until(lambda: "Bearer $SEAWAY_KEY" in said(server))
        assert "Serving at https://" in said(server)
        assert "INSECURE" not in said(server)
        refuses_what_is_old_or_plain(server.port, trusting)


def refuses_what_is_old_or_plain(port: int, trusting: ssl.SSLContext) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        plain.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in plain.recv(65536)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        trusting.wrap_socket(raw, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.version() in ("TLSv1.2", "TLSv1.3")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(raw).close()


def test_an_open_door_is_said_at_the_start_and_in_readiness(state: Path, free_port: int) -> None:
    with running(state, free_port, host="0.0.0.0", insecure=True, durability="process") as server:
        server.wait_until(lambda: "INSECURE: other machines can ask it without a key and in plain text" in said(server))
        found = server.ask("GET", "/health/ready")[2]
        assert found["insecure"] is True
        assert found["keys"] is False
        text, _ = give(state, "viewer")
        server.wait_until(lambda: server.ask("GET", "/v1/models")[0] == 401, 2.0)
        assert server.ask("GET", "/v1/models", None, bearer(text))[0] == 200
        assert server.ask("GET", "/health/ready")[2] == {"ready": True, "keys": True, "insecure": True}
    with running(state, free_port, insecure=True, durability="process") as local:
        assert "insecure" not in local.ask("GET", "/health/ready")[2]


def test_broken_tls_files_stop_the_start(state: Path) -> None:
    cert, key = certificate(state.parent / "tls")
    other = certificate(state.parent / "other")[1]
    cert.chmod(0o600)
    wrong = [
        (cert, "", "one of them is not given"),
        ("", key, "one of them is not given"),
        (cert, state / "no-such-file", "There is no file"),
        (cert, cert, "cannot be used"),
        (cert, other, "cannot be used"),
    ]
    for one, another, message in wrong:
        with pytest.raises(BadInput, match=message):
            supervise.serve(state, ServeSettings(port=0, tls_cert=str(one), tls_key=str(another)))
    key.chmod(0o644)
    with pytest.raises(BadInput, match="Everyone on this machine can read the TLS key"):
        supervise.serve(state, ServeSettings(port=0, tls_cert=str(cert), tls_key=str(key)))
