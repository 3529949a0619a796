"""Ed25519 signatures (RFC 8032) under a stated context, keys in files, and the folder of keys that are trusted.

A signature file is the canonical JSON `{"format":1,"key":<id>,"signature":<base64>}`. The format fixes the algorithm, so
there is none to choose and none to downgrade to; the context keeps a signature made for one purpose from serving another.
"""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from seaway.core import canonical, durable
from seaway.core.durable import disk
from seaway.core.errors import Refused, Untrusted
from seaway.security import private

MANIFEST = b"seaway bundle manifest v1"
"""The context of a release's signature."""

PRIVATE, PUBLIC = "signing.key", "signing.pub"
FORMAT = 1


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in a signature file: 64 bytes by the key with id `key`."""

    format: int
    key: str
    signature: bytes


class Ed25519Signer:
    """Signs under one context with one private key."""

    def __init__(self, key: Ed25519PrivateKey, *, context: bytes = MANIFEST) -> None:
        self._key = key
        self._context = context
        self.key_id = key_id(key.public_key())

    @staticmethod
    def load_or_make(folder: Path, *, context: bytes = MANIFEST) -> Ed25519Signer:
        """Return the signer of the key in `folder`; make the key there, for the owner alone, where there is none yet.

        Of two processes that make it at once, both sign with the key that came first. Its public key lies beside it, also
        where that of a former key has the usual name.
        """
        path = folder / PRIVATE
        if not path.exists():
            _make(folder)
        key = _read_private(path)
        _publish(key.public_key(), folder)
        return Ed25519Signer(key, context=context)

    @property
    def public(self) -> bytes:
        """The public key in PEM, as another machine's trust folder takes it."""
        return _public_pem(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the content of the signature file."""
        made = self._key.sign(_message(self._context, data))
        return canonical.encode(Signature(format=FORMAT, key=self.key_id, signature=made))


class TrustFolder:
    """Trusts every `*.pub` in a folder; looked up at each verification, so that adding or removing a key acts at once."""

    def __init__(self, folder: Path, *, context: bytes = MANIFEST) -> None:
        self.folder = folder
        self._context = context

    def verify(self, data: bytes, signature: bytes) -> None:
        """Raise `Untrusted` unless a trusted key signed exactly these bytes under this context."""
        claim = canonical.decode(signature, Signature, where="signature")
        if claim.format != FORMAT:
            raise Untrusted(
                f"The signature has format {claim.format}, this version reads {FORMAT} (Ed25519)",
                where="signature",
                fix="Use the Seaway version that signed it, or have it signed again.",
            )
        key = self._find(claim.key)
        try:
            key.verify(claim.signature, _message(self._context, data))
        except InvalidSignature:
            raise Untrusted(
                f"The signature by key {claim.key} does not fit what it should sign",
                where="signature",
                fix="The content was changed after signing: fetch it again from where it was made.",
            ) from None

    def keys(self) -> dict[str, Path]:
        """Return the trusted keys: file by key id. A file that holds no Ed25519 key is left out."""
        found = {}
        for path in self._files():
            key = _read_public(path)
            if key is not None:
                found[key_id(key)] = path
        return found

    def _files(self) -> list[Path]:
        with disk("The trusted keys cannot be listed", self.folder):
            try:
                return sorted(path for path in self.folder.iterdir() if path.suffix == ".pub")
            except FileNotFoundError:
                return []

    def _find(self, wanted: str) -> Ed25519PublicKey:
        unreadable = []
        for path in self._files():
            key = _read_public(path)
            if key is None:
                unreadable.append(path.name)
            elif key_id(key) == wanted:
                return key
        beside = f" (no Ed25519 public key: {', '.join(unreadable)})" if unreadable else ""
        raise Untrusted(
            f"Signed by key {wanted!r}, which is not trusted here{beside}",
            where=str(self.folder),
            fix=f"If you trust who signed it, copy their signing.pub into {self.folder} as a file ending in .pub "
            f"and check that `seaway doctor` shows it as {wanted!r}.",
            code="unknown-key",
        )


def signer_of(signature: bytes) -> str:
    """Return the id of the key that a signature file names; whether it did sign is for a verifier to say."""
    return canonical.decode(signature, Signature, where="signature").key


def key_id(key: Ed25519PublicKey) -> str:
    """Return the first 128 bits of the SHA-256 of the raw public key, in hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def _message(context: bytes, data: bytes) -> bytes:
    """Return what is signed; the zero byte ends the context, so that no context is the beginning of another."""
    return context + b"\0" + data


def _make(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private.place(folder / PRIVATE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def _publish(key: Ed25519PublicKey, folder: Path) -> None:
    pem = _public_pem(key)
    for path in (folder / PUBLIC, folder / f"signing-{key_id(key)[:8]}.pub"):
        if not path.exists():
            private.place(path, pem, 0o644)
        there = _read_public(path)
        if there is not None and key_id(there) == key_id(key):
            return


def _read_private(path: Path) -> Ed25519PrivateKey:
    data = private.read(path, "signing key")
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(
            "The signing key is no unencrypted Ed25519 key in PEM",
            where=str(path),
            fix="Restore it from a backup, or move it away: the next release makes a new one, to be trusted anew.",
        )
    return key


def _read_public(path: Path) -> Ed25519PublicKey | None:
    try:
        with path.open("rb") as file:
            key = load_pem_public_key(file.read(private.MAX_BYTES))
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENOSPC):
            raise durable.failed(error, "A trusted key cannot be read", path) from error
        return None
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
