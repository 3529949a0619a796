"""Callers with keys: keys given without a command line, certificates signed by themselves, servers that write the audit."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from seaway.core import chance
from seaway.core.access import EVERY_MODEL, Key
from seaway.registry.store import Registry
from seaway.security import keys

PARENT = """
import sys
from pathlib import Path
import msgspec
from seaway.core.settings import ServeSettings
from seaway.registry.store import Registry
from seaway.serve.workers import serve
state = Path(sys.argv[1])
registry = Registry(state)
def note(kind, reason):
    registry.note(None, kind, reason=reason, principal="test")
sys.exit(serve(state, msgspec.json.decode(sys.argv[2], type=ServeSettings), note=note))
"""
"""A server as `seaway serve` starts it: what is worth an auditor's look goes into the audit."""


def give(
    state: Path, *roles: str, models: tuple[str, ...] = (EVERY_MODEL,), name: str = "", **limits: Any
) -> tuple[str, Key]:
    """Make a key as `seaway keys make` does; return its text and the key."""
    secret = keys.load_or_make_secret(state / "keys")
    name = name or f"{'-'.join(roles)}-{chance.token(2)}"
    text, key = keys.make(name, roles=roles, models=models, by="test", secret=secret, **limits)
    return text, Registry(state).add_key(key, "test", "for a test")


def bearer(text: str) -> dict[str, str]:
    """Return the header that shows a key."""
    return {"Authorization": f"Bearer {text}"}


class Caller:
    """One connection that stays open, from an address of this machine's."""

    def __init__(self, port: int, source: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> None:
        self._connection: http.client.HTTPConnection
        if context is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20.0, source_address=(source, 0))
        else:
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=20.0, source_address=(source, 0), context=context
            )

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        data = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if data is not None else {}
        self._connection.request(method, path, data, {**kind, **(headers or {})})
        reply = self._connection.getresponse()
        told = reply.read()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, told

    def close(self) -> None:
        self._connection.close()


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """Write a certificate for names and addresses of this machine, signed by itself, and its key; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "seaway test")])
    now = datetime.datetime.now(datetime.UTC)
    others = [x509.DNSName(name) for name in ("localhost", *names)]
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([*others, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    files = folder / "tls.crt", folder / "tls.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files[1].chmod(0o600)
    return files
