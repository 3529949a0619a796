"""Where the server is and who asks: the address, the key, and whom to trust over TLS."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from seaway.core.errors import BadInput

KEY = "SEAWAY_KEY"
"""The environment variable that holds the key where no argument gives one."""


@dataclass(frozen=True)
class Address:
    """One server. `secret` (the header that shows the key) is never part of a text about it."""

    host: str
    port: int
    prefix: str = ""
    context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    secret: bytes = field(default=b"", repr=False, compare=False)

    @property
    def url(self) -> str:
        """The address as people write it."""
        return f"{'https' if self.context else 'http'}://{self.authority}{self.prefix}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(
    url: str, *, key: str | None = None, ca: str | os.PathLike[str] | None = None, plain: bool = False
) -> Address:
    """Read a server's address; `key` None takes the one of the environment, `ca` is a PEM file of who signs certificates.

    Raises `BadInput`, also where a key would travel in plain text to another machine and `plain` does not allow it.
    """
    host, port, prefix, is_tls = _parts(url)
    secret = _secret(os.environ.get(KEY, "") if key is None else key)
    if secret and not is_tls and not plain and not _is_loopback(host):
        raise BadInput(
            "The key would travel in plain text",
            where=f"http://{host}:{port}",
            fix="Ask over https://, or say plain=True where the network itself is encrypted.",
            code="plain-key",
        )
    if ca is not None and not is_tls:
        raise BadInput(
            "A CA file is given, and no TLS is asked for", where=f"http://{host}:{port}", fix="Use https://."
        )
    return Address(host, port, prefix, _context(ca) if is_tls else None, secret)


def _parts(url: str) -> tuple[str, int, str, bool]:
    wrong = BadInput(
        "The server's address is not one", where="url", fix="Give it as http://HOST:PORT or https://HOST:PORT."
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    is_printable = url.isascii() and url.isprintable() and " " not in url
    is_more = parts.query or parts.fragment or parts.username is not None or parts.password is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or is_more or not is_printable:
        raise wrong  # a password in the address would be shown wherever the address is
    is_tls = parts.scheme == "https"
    return parts.hostname, port or (443 if is_tls else 80), parts.path.rstrip("/"), is_tls


def _secret(key: str) -> bytes:
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise BadInput(
            "The key holds letters that no key has",
            where=f"argument key, or {KEY}",
            fix="Copy it again, without the space or line end around it.",
            code="bad-key",
        )
    return b"Authorization: Bearer " + key.encode() + b"\r\n" if key else b""


def _context(ca: str | os.PathLike[str] | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(
            f"The CA file cannot be read: {error.strerror or 'it holds no certificate in PEM'}",
            where=str(ca),
            fix="Give the PEM file of the authority that signed the server's certificate.",
        ) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
