"""Keys and TLS: with a real server that asks for both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from seaway.client import AsyncClient, Client, Retries
from seaway.core.errors import BadInput, Denied, Throttled, Unavailable
from tests import serving
from tests.keyed import certificate, give
from tests.serving import ROW, Running, running

FEW = Retries(times=1, first_s=0.01, most_s=0.01)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str, str, Path]]:
    """Serve over TLS to who has a key: yields the server, a key, one that may ask once in ten seconds, the certificate."""
    state = tmp_path_factory.mktemp("guarded") / "state"
    state.mkdir()
    serving.make_state(state, 1)
    key, _ = give(state, "predictor")
    slow, _ = give(state, "predictor", rate=0.1)
    cert, private = certificate(state.parent / "tls")
    with running(state, _free(), tls_cert=str(cert), tls_key=str(private)) as one:
        yield one, key, slow, cert


def _free() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_right_key_over_tls(guarded: tuple[Running, str, str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    server, key, _, cert = guarded
    url = f"https://localhost:{server.port}"
    with Client(url, key=key, ca=cert) as client:
        first = client.predict([ROW], request_id="tls-1")
        assert client.predict([ROW], request_id="tls-1") == first
    monkeypatch.setenv("SEAWAY_KEY", key)

    async def ask() -> None:
        async with AsyncClient(url, ca=cert) as asking:
            assert await asking.predict([ROW], request_id="tls-1") == first

    asyncio.run(ask())


@pytest.mark.parametrize(("key", "code"), [("", "no-key"), ("sw_wrong", "bad-key")])
def test_a_wrong_key_is_denied_and_never_shown(guarded: tuple[Running, str, str, Path], key: str, code: str) -> None:
    server, _, _, cert = guarded
    with (
        Client(f"https://127.0.0.1:{server.port}", key=key, ca=cert) as client,
        pytest.raises(Denied, match="key") as caught,
    ):
        client.predict([ROW])
    assert caught.value.code == code
    assert caught.value.where == "header Authorization" or caught.value.where.startswith("https://")
    assert "sw_wrong" not in str(caught.value)


def test_a_right_is_missing(guarded: tuple[Running, str, str, Path]) -> None:
    server, key, _, cert = guarded
    with (
        Client(f"https://127.0.0.1:{server.port}", key=key, ca=cert) as client,
        pytest.raises(Denied, match=r"may|right"),
    ):
        client.label([{"request_id": "x", "row": 0, "value": "good"}])


def test_a_rate_is_told_with_its_wait(guarded: tuple[Running, str, str, Path]) -> None:
    server, _, slow, cert = guarded
    with Client(f"https://127.0.0.1:{server.port}", key=slow, ca=cert, retries=Retries(times=0)) as client:
        client.predict([ROW])
        with pytest.raises(Throttled, match="times a second") as caught:
            client.predict([ROW])
    assert 1 <= caught.value.wait_s <= 11


def test_a_certificate_that_nobody_vouches_for(guarded: tuple[Running, str, str, Path]) -> None:
    server, key, _, _ = guarded
    client = Client(f"https://127.0.0.1:{server.port}", key=key, retries=FEW)
    with pytest.raises(Unavailable, match="certificate is not trusted"):
        client.predict([ROW])


def test_plain_text_to_a_server_of_tls(guarded: tuple[Running, str, str, Path]) -> None:
    server, key, _, _ = guarded
    with (
        Client(f"http://127.0.0.1:{server.port}", key=key, retries=FEW) as client,
        pytest.raises(Unavailable, match=r"no HTTP|no reply came"),
    ):
        client.predict([ROW])


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="CA file cannot be read"):
        Client("https://localhost", ca=tmp_path / "missing.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(BadInput, match="CA file cannot be read"):
        Client("https://localhost", ca=tmp_path / "empty.pem")
    with pytest.raises(BadInput, match="no TLS is asked for"):
        Client("http://localhost", ca=tmp_path / "empty.pem")
