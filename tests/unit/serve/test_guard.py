"""The head of a request: under which name, from which site, with which key."""

from __future__ import annotations

import pytest

from seaway.core.errors import Denied
from seaway.serve.guard import Guard
from seaway.serve.head import Head

HOST = (b"host", b"127.0.0.1:8000")


def check(*headers: tuple[bytes, bytes], hosts: tuple[str, ...] = (), server: str = "127.0.0.1") -> bytes | None:
    head = Head(method="POST", path="/v1/predict", is_plain=True, headers=headers, client="127.0.0.1", server=server)
    return Guard(hosts).check(head)


@pytest.mark.parametrize("host", [b"ml.example", b"ML.example:8443", b"10.2.3.4:8000", b"localhost", b"[::1]:1"])
def test_own_names_are_answered(host: bytes) -> None:
    own = {"hosts": ("ml.example",), "server": "10.2.3.4"}
    assert check((b"host", host), **own) is None  # type: ignore[arg-type]
    assert check((b"host", host), (b"origin", b"https://" + host), **own) is None  # type: ignore[arg-type]
    assert check((b"host", b"10.2.3.4"), server="::ffff:10.2.3.4") is None


@pytest.mark.parametrize(
    "host", [b"ml.example.evil.example", b"x.ml.example", b"10.2.3.5", b"10.2.3.4.evil.example", b"", b"ml.example:x"]
)
def test_other_names_are_not(host: bytes) -> None:
    with pytest.raises(Denied, match="does not answer under that name"):
        check((b"host", host), hosts=("ml.example",), server="10.2.3.4")


@pytest.mark.parametrize(
    "origin", [b"null", b"", b"http://[", b"http://evil.example", b"http://evil.example#@localhost"]
)
def test_other_sites_are_refused(origin: bytes) -> None:
    with pytest.raises(Denied) as raised:
        check(HOST, (b"origin", origin))
    assert raised.value.where == "header Origin"


def test_two_hosts_or_none_are_refused() -> None:
    with pytest.raises(Denied):
        check()
    with pytest.raises(Denied):
        check(HOST, HOST)


@pytest.mark.parametrize("relation", [b"cross-site", b"same-site", b"", b"Same-Origin", b"another"])
def test_pages_elsewhere_are_refused_unless_their_origin_is_known(relation: bytes) -> None:
    with pytest.raises(Denied) as raised:
        check(HOST, (b"sec-fetch-site", relation))
    assert raised.value.where == "header Sec-Fetch-Site"


def test_a_page_on_another_port_of_this_machine_names_itself() -> None:
    page = (b"origin", b"http://localhost:3000")
    assert check(HOST, page, (b"sec-fetch-site", b"same-site")) is None
    assert check(HOST, (b"sec-fetch-site", b"same-site"), page) is None
    assert check(HOST, (b"sec-fetch-site", b"same-origin")) is None
    assert check(HOST, (b"sec-fetch-site", b"none")) is None
    with pytest.raises(Denied):
        check(HOST, page, (b"sec-fetch-site", b"cross-site"))


def test_the_key_is_what_bearer_or_x_api_key_shows() -> None:
    assert check(HOST, (b"authorization", b"Bearer sw_a")) == b"sw_a"
    assert check(HOST, (b"authorization", b"bearer  sw_a ")) == b"sw_a"
    assert check(HOST, (b"x-api-key", b"sw_a")) == b"sw_a"
    assert check(HOST, (b"authorization", b"Basic sw_a")) == b""
    assert check(HOST, (b"authorization", b"Bearer sw_a"), (b"x-api-key", b"sw_a")) == b""
    assert check(HOST) is None
