"""What a request's head must say before anything else is looked at: asked for by this server's name, not by another site's page.

A browser can be made to send requests here by any page (CSRF), also under that page's own name (DNS rebinding). It then sends
that name as Host or Origin, or says itself that the request crosses sites. Every method is held to the same rules.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from seaway.core.errors import Denied
from seaway.security import access
from seaway.serve.head import Head

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
_HELD = 64
_SAME = (b"same-origin", b"none")


class Guard:
    """Knows the names under which this server may be asked: loopback, its own address, and those its settings list."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._known: set[bytes] = set()

    def check(self, head: Head) -> bytes | None:
        """Return the key that the head shows, or None; raises `Denied` for what another site has sent."""
        host = shown = None
        has_origin = is_beside = False
        for name, value in head.headers:
            if name == b"host":
                host = value if host is None else b""
            elif name == b"authorization":
                shown = _bearer(value) if shown is None else b""
            elif name == b"x-api-key":
                shown = value if shown is None else b""
            elif name == b"origin":
                if not self._is_own(_site(value), head):
                    raise _foreign("Origin")
                has_origin = True
            elif name == b"sec-fetch-site" and value not in _SAME:
                is_beside = True
                if value != b"same-site":
                    raise _foreign("Sec-Fetch-Site")
        if (
            is_beside and not has_origin
        ):  # a sibling's page, or one on another port: it has to be one of this server's names
            raise _foreign("Sec-Fetch-Site")
        if host not in self._known:
            if not host or not self._is_own(_name(host), head):
                raise _foreign("Host")
            if len(self._known) < _HELD:
                self._known.add(host)
        return shown

    def _is_own(self, name: str, head: Head) -> bool:
        """Compare by exact name or by parsed address: a name may begin like an address."""
        if access.is_loopback(name) or name in self._hosts:
            return True
        return _address(name) is not None and _address(name) == _address(head.server)


def _bearer(value: bytes) -> bytes:
    """Return the key of an Authorization header; empty, which opens nothing, for another scheme."""
    scheme, _, text = value.partition(b" ")
    return text.strip() if scheme.lower() == b"bearer" else b""


def _name(host: bytes) -> str:
    """Return the name of a Host header without its port; empty for what is no host and port."""
    found = _HOST.fullmatch(host.decode("latin-1"))
    return found[1].lower() if found else ""


def _site(origin: bytes) -> str:
    """Return the host of an Origin header; empty for `null` and for what is no origin."""
    try:
        return urlsplit(origin.decode("latin-1")).hostname or ""
    except ValueError:
        return ""


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _foreign(header: str) -> Denied:
    return Denied(
        "This server does not answer under that name, or to pages of other sites",
        where=f"header {header}",
        fix="Ask it as http://127.0.0.1 or http://localhost, or under a name that its setting serve.hosts lists.",
        code="foreign-site",
    )
