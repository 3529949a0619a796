"""The first lines of a server."""

from __future__ import annotations

import shlex

import pytest

from seaway.core.settings import ServeSettings
from seaway.serve.greeting import example, greeting, url

LOCAL = ServeSettings()
TLS = ServeSettings(host="10.0.0.7", tls_cert="cert.pem", tls_key="key.pem")


@pytest.mark.parametrize(
    ("settings", "at"),
    [
        (LOCAL, "http://127.0.0.1:8000"),
        (ServeSettings(host="0.0.0.0"), "http://127.0.0.1:8000"),
        (ServeSettings(host="::"), "http://[::1]:8000"),
        (ServeSettings(host="fe80::1"), "http://[fe80::1]:8000"),
        (TLS, "https://10.0.0.7:8000"),
    ],
)
def test_where_it_is(settings: ServeSettings, at: str) -> None:
    assert url(settings, 8000) == at


def test_who_may_ask() -> None:
    assert "No key is needed on this machine" in greeting(LOCAL, 8000, asks=False)
    assert "Callers show a key" in greeting(LOCAL, 8000, asks=True)
    assert "INSECURE" not in greeting(LOCAL, 8000, asks=False) + greeting(TLS, 8000, asks=True)


@pytest.mark.parametrize(
    ("settings", "asks", "lacks"),
    [
        (ServeSettings(host="0.0.0.0"), False, "without a key and in plain text"),
        (ServeSettings(host="0.0.0.0"), True, "in plain text"),
        (TLS, False, "without a key"),
    ],
)
def test_an_open_door_is_said_in_words(settings: ServeSettings, asks: bool, lacks: str) -> None:
    assert f"INSECURE: other machines can ask it {lacks}, because" in greeting(settings, 8000, asks=asks)


def test_the_example_survives_a_shell() -> None:
    body = '{"rows":[{"name":"O\'Hara"}]}'
    plain = shlex.split(example(LOCAL, 8000, "/v1/predict", body, asks=False).removeprefix("Try: "))
    assert plain[:3] == ["curl", "-s", "http://127.0.0.1:8000/v1/predict"]
    assert plain[-1] == body
    asked = example(TLS, 8000, "/v1/predict", body, asks=True)
    assert "--cacert cert.pem" in asked
    assert '-H "Authorization: Bearer $SEAWAY_KEY"' in asked
